// Drives the life of a tenant with the unmodified @qlik/api package: a region client
// changes a tenant, deactivates it and brings it back.
//
//   INTEROP_CONFIG=freehold-data/quickstart.json node tenant-life.mjs
//
// INTEROP_CONFIG names a file in the form of quickstart.json.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

import licenses from "@qlik/api/licenses";
import tenants from "@qlik/api/tenants";
import users from "@qlik/api/users";

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
