// Drives the life of a tenant with the unmodified @qlik/api package: a region client
// changes a tenant, deactivates it and brings it back. Then what is small in a tenant: API
// keys of its people, its content security policy and web integrations.
//
//   INTEROP_CONFIG=freehold-data/quickstart.json node tenant-life.mjs
//
// INTEROP_CONFIG names a file in the form of quickstart.json.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

import apiKeys from "@qlik/api/api-keys";
import cspOrigins from "@qlik/api/csp-origins";
import licenses from "@qlik/api/licenses";
import tenants from "@qlik/api/tenants";
import users from "@qlik/api/users";
import webIntegrations from "@qlik/api/web-integrations";

assert.ok(process.env.INTEROP_CONFIG, "INTEROP_CONFIG must name a quickstart.json");
const config = JSON.parse(await readFile(process.env.INTEROP_CONFIG, "utf8"));
const region = config.regions.us;
const source = config.tenants.find((tenant) => tenant.region === "us");
const register = new URL(region.register_url);
const zone = register.hostname.slice("register.".length);

/** The options of a call at a host. Nothing is cached: what counts is what the server says now. */
function at(url, headers = {}, more = {}) {
  const { client_id: clientId, client_secret: clientSecret } = region;
  return { hostConfig: { authType: "oauth2", host: url, clientId, clientSecret, noCache: true, ...more }, headers, noCache: true };
}

/** Where a host name is reached. */
const url = (hostname) => `${register.protocol}//${hostname}${register.port && `:${register.port}`}`;

/** Fails unless the call is answered with the status; returns the first error of the body. */
async function refused(status, call) {
  const error = await call.then(
    () => assert.fail("was not refused"),
    (reason) => reason,
  );
  assert.equal(error.status, status, error.stack);
  return error.data.errors[0];
}

test("the life of a tenant with @qlik/api", async () => {
  const { data: license } = await licenses.getLicenseOverview(at(source.url));
  const { data: tenant } = await tenants.createTenant({ licenseKey: license.licenseKey }, at(region.register_url));
  const home = url(tenant.hostnames[0]);

  const alias = `interop-${tenant.name}.${zone}`;
  const patched = await tenants.patchTenant(
    tenant.id,
    [
      { op: "replace", path: "/name", value: "Interop" },
      { op: "replace", path: "/hostnames/1", value: alias },
      { op: "replace", path: "/enableAppOpeningFeedback", value: true },
    ],
    at(home),
  );
  assert.equal(patched.status, 204);
  const { data: changed } = await tenants.getMyTenant(at(url(alias)));
  assert.equal(changed.name, "Interop");
  assert.deepEqual(changed.hostnames, [tenant.hostnames[0], alias]);
  assert.equal(changed.enableAppOpeningFeedback, true);

  const wrong = await refused(400, tenants.patchTenant(tenant.id, [{ op: "replace", path: "/hostnames/1", value: `x.${zone}` }], at(home)));
  assert.equal(wrong.code, "TENANTS-10");
  assert.equal(wrong.title, "Invalid PATCH request");
  assert.deepEqual(wrong.source, { pointer: "/hostnames/1" });
  assert.equal(wrong.meta.title, "Subdomain should be between 3 and 63 characters");

  await refused(412, tenants.deactivateTenant(tenant.id, { purgeAfterDays: 10 }, at(region.register_url)));
  const confirmed = { "qlik-confirm-hostname": alias };
  await refused(400, tenants.deactivateTenant(tenant.id, { purgeAfterDays: 91 }, at(region.register_url, confirmed)));
  const deactivated = await tenants.deactivateTenant(tenant.id, { purgeAfterDays: 10 }, at(region.register_url, confirmed));
  assert.equal(deactivated.status, 200);
  assert.deepEqual([deactivated.data.id, deactivated.data.status], [tenant.id, "disabled"]);
  const days = (new Date(deactivated.data.estimatedPurgeDate) - Date.now()) / 86_400_000;
  assert.ok(Math.abs(days - 10) < 0.1, `purged in ${days} days`);

  for (const host of [home, url(alias)]) {
    const error = await users.getMyUser(at(host, {}, { onAuthFailed: () => {} })).then(
      () => assert.fail("a disabled tenant answers"),
      (reason) => reason,
    );
    assert.equal(error.errors[0].code, "TENANT_DEACTIVATED");
  }

  const reactivated = await tenants.reactivateTenant(tenant.id, {}, at(region.register_url, confirmed));
  assert.deepEqual([reactivated.status, reactivated.data], [200, { id: tenant.id, status: "active" }]);
  const { data: bot } = await users.getMyUser(at(home));
  assert.equal(bot.tenantId, tenant.id);
  const { data: back } = await tenants.getTenant(tenant.id, at(home));
  assert.equal(back.name, "Interop");
});

test("API keys with @qlik/api", async () => {
  const home = at(source.url);
  const { data: tenant } = await tenants.getMyTenant(home);
  const { data: person } = await users.createUser(
    { subject: `interop|${tenant.id}`, name: "Key holder", email: "holder@example.com", assignedRoles: [{ name: "Developer" }] },
    home,
  );
  const patched = await apiKeys.patchApiKeysConfig(tenant.id, [{ op: "replace", path: "/max_keys_per_user", value: 2 }], home);
  assert.equal(patched.status, 204);
  assert.equal((await apiKeys.getApiKeysConfig(tenant.id, home)).data.max_keys_per_user, 2);
  const made = await apiKeys.createApiKey({ description: "interop", sub: person.id, expiry: "P1D" }, home);
  assert.deepEqual([made.status, made.data.sub, made.data.status], [201, person.id, "active"]);
  const second = await apiKeys.createApiKey({ description: "second", sub: person.id }, home);
  await refused(403, apiKeys.createApiKey({ description: "third", sub: person.id }, home));

  const withKey = { hostConfig: { authType: "apikey", host: source.url, apiKey: made.data.token }, noCache: true };
  assert.equal((await users.getMyUser(withKey)).data.id, person.id);
  const firstPage = await apiKeys.getApiKeys({ sub: person.id, limit: 1, sort: "description" }, home);
  assert.equal(firstPage.data.data[0].description, "interop");
  const nextPage = await firstPage.next();
  assert.equal(nextPage.data.data[0].id, second.data.id);
  assert.equal((await nextPage.prev()).data.data[0].id, made.data.id);

  assert.equal((await apiKeys.patchApiKey(made.data.id, [{ op: "replace", path: "/description", value: "changed" }], withKey)).status, 204);
  assert.equal((await apiKeys.deleteApiKey(made.data.id, home)).status, 204);
  assert.equal((await apiKeys.getApiKey(made.data.id, home)).data.status, "revoked");
  await refused(401, users.getMyUser(withKey));
});

test("content security policy and web integrations with @qlik/api", async () => {
  const home = at(source.url);
  const { data: origin } = await cspOrigins.createCSPEntry({ origin: "https://*.example.com", name: "Portal", frameAncestors: true }, home);
  assert.equal((await cspOrigins.getCSPEntries({ frameAncestors: true, name: "port" }, home)).data.data[0].id, origin.id);
  const { data: header } = await cspOrigins.getCSPHeader(home);
  assert.match(header["Content-Security-Policy"], /frame-ancestors 'self' https:\/\/\*\.example\.com/);
  const { data: replaced } = await cspOrigins.updateCSPEntry(origin.id, { origin: "https://example.com", imgSrc: true }, home);
  assert.deepEqual([replaced.frameAncestors, replaced.imgSrc], [undefined, true]);
  assert.equal((await cspOrigins.deleteCSPEntry(origin.id, home)).status, 204);
  await refused(404, cspOrigins.getCSPEntry(origin.id, home));

  const { data: page } = await webIntegrations.createWebIntegration({ name: "Portal", validOrigins: ["https://portal.example.com"] }, home);
  const patched = await webIntegrations.patchWebIntegration(page.id, [{ op: "replace", path: "/validOrigins", value: ["https://other.example.com"] }], home);
  assert.equal(patched.status, 204);
  assert.deepEqual((await webIntegrations.getWebIntegration(page.id, home)).data.validOrigins, ["https://other.example.com"]);
  assert.equal((await webIntegrations.getWebIntegrations({ sort: "+name" }, home)).data.data.length, 1);
  assert.equal((await webIntegrations.deleteWebIntegration(page.id, home)).status, 204);
  await refused(404, webIntegrations.getWebIntegration(page.id, home));
});
