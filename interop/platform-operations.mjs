// Drives the documented platform-operations flow with the unmodified @qlik/api
// package: a region client creates a tenant by code, its bot user appears
// there, and an organization client sees the tenant in the estate.
//
//   INTEROP_CONFIG=freehold-data/quickstart.json node platform-operations.mjs
//
// INTEROP_CONFIG names a file in the form of quickstart.json. Nothing in this
// file sets noCache on a token unless it says why: the package keeps one token
// per client id and shows it to every host, so the flow works only because a
// host answers 401 to a token of another.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

import interceptors from "@qlik/api/interceptors";
import licenses from "@qlik/api/licenses";
import oauthClients from "@qlik/api/oauth-clients";
import tenants from "@qlik/api/tenants";
import users from "@qlik/api/users";

assert.ok(process.env.INTEROP_CONFIG, "INTEROP_CONFIG must name a quickstart.json");
const config = JSON.parse(await readFile(process.env.INTEROP_CONFIG, "utf8"));
const region = config.regions.us;
const source = config.tenants.find((tenant) => tenant.region === "us");
assert.ok(region && source, "INTEROP_CONFIG has no region us, or no tenant in it");

// Every exchange, in order. The package's requests are watched, not changed.
const exchanges = [];
const fetchUnwatched = globalThis.fetch;
globalThis.fetch = async (input, init) => {
  const response = await fetchUnwatched(input, init);
  const { origin, pathname } = new URL(input);
  exchanges.push({ origin, line: `${init?.method ?? "GET"} ${pathname}`, status: response.status });
  return response;
};

/** What fn made the package send to url, without the probes for the product. */
async function watch(url, fn) {
  const first = exchanges.length;
  const result = await fn();
  const seen = exchanges
    .slice(first)
    .filter(({ origin, line }) => origin === new URL(url).origin && !line.endsWith("/product-info.json"))
    .map(({ line, status }) => `${line} ${status}`);
  return { result, seen };
}

/** The host config that a client has at a host. */
function at(url, { client_id: clientId, client_secret: clientSecret }, more = {}) {
  return { authType: "oauth2", host: url, clientId, clientSecret, ...more };
}

/** Fails unless promise rejects with the errors array that the token endpoint sent. */
async function refusal(promise) {
  const error = await promise.then(
    () => assert.fail("was not refused"),
    (reason) => reason,
  );
  assert.ok(Array.isArray(error.errors), `no errors[] in: ${error.stack}`);
  assert.ok(error.message.includes(error.errors[0].title), `the message hides the title: ${error.message}`);
  return error.errors;
}

/** A failed token answer stays in the package's cache for good, and it prints a complaint. */
const expectRefusal = { noCache: true, onAuthFailed: () => {} };

/**
 * Calls the organization API. The package has no functions for it, but lets an
 * interceptor send a call elsewhere; authentication, retry and paging stay its own.
 */
async function organization(method, pathTemplate, { query, body } = {}) {
  const elsewhere = interceptors.addInterceptor((request, proceed) =>
    proceed({ ...request, method, pathTemplate, query, body }),
  );
  try {
    return await tenants.getMyTenant({ hostConfig: at(config.console.url, config.console), noCache: true });
  } finally {
    interceptors.removeInterceptor(elsewhere);
  }
}

test("platform operations with @qlik/api", async (t) => {
  let broken = false;
  const step = (name, fn) =>
    t.test(name, async (s) => {
      if (broken) {
        s.skip("an earlier step failed");
        return;
      }
      const first = exchanges.length;
      try {
        await fn();
      } catch (error) {
        broken = true;
        for (const { origin, line, status } of exchanges.slice(first)) {
          s.diagnostic(`${origin}: ${line} ${status}`);
        }
        throw error;
      }
    });

  let licenseKey;
  await step("a region client reads the licence key at the source tenant", async () => {
    const hostConfig = at(source.url, region);
    const { status, data } = await licenses.getLicenseOverview({ hostConfig });
    assert.equal(status, 200);
    assert.equal(typeof data.licenseKey, "string");
    assert.notEqual(data.licenseKey, "");
    licenseKey = data.licenseKey;
  });

  let created;
  let target; // URL of the created tenant
  await step("it creates a tenant at the register host", async () => {
    const hostConfig = at(region.register_url, region);
    const { result, seen } = await watch(region.register_url, () =>
      tenants.createTenant({ licenseKey }, { hostConfig }),
    );
    assert.deepEqual(
      seen,
      ["POST /api/v1/tenants 401", "POST /oauth/token 200", "POST /api/v1/tenants 201"],
      "the source tenant's token must be refused with 401, and a new one accepted",
    );
    created = result.data;
    assert.equal(result.status, 201);
    assert.match(created.id, /^[A-Za-z0-9_-]{32}$/);
    assert.equal(created.status, "active");
    const register = new URL(region.register_url);
    const zone = register.hostname.slice("register.".length);
    assert.match(created.hostnames[0], /^[a-z0-9]{15}\./);
    assert.equal(created.hostnames[0].slice(16), zone);
    target = `${register.protocol}//${created.hostnames[0]}${register.port && `:${register.port}`}`;
  });

  let bot;
  await step("at the new tenant it is a bot user and TenantAdmin", async () => {
    const hostConfig = at(target, region);
    const { result, seen } = await watch(target, () => users.getMyUser({ hostConfig }));
    assert.deepEqual(
      [seen[0], seen[1], seen.at(-1).split(" ").at(-1)],
      ["GET /api/v1/users/me 401", "POST /oauth/token 200", "200"],
      "the register host's token must be refused with 401, and a new one accepted",
    );
    bot = result.data;
    assert.equal(bot.tenantId, created.id);
    assert.equal(bot.status, "active");
    assert.equal(bot.clientId, region.client_id);
    assert.equal(bot.subject, `qlikbot\\${region.client_id}`);
    assert.ok(bot.roles.includes("TenantAdmin"), `roles: ${bot.roles}`);
    assert.ok(bot.assignedRoles.some(({ name }) => name === "TenantAdmin"));
  });

  await step("the new tenant describes itself, by the same token", async () => {
    const hostConfig = at(target, region);
    const { result, seen } = await watch(target, () => tenants.getMyTenant({ hostConfig }));
    assert.deepEqual(result.data.hostnames, created.hostnames);
    assert.equal(result.data.id, created.id);
    assert.ok(!seen.some((line) => line.startsWith("POST /oauth/token")), seen.join(", "));

    const tenant = await tenants.getTenant(created.id, { hostConfig });
    assert.equal(tenant.data.name, created.name);
    const user = await users.getUser(bot.id, {}, { hostConfig });
    assert.equal(user.data.subject, bot.subject);
  });

  await step("back at the source tenant it is that tenant's own bot user", async () => {
    const hostConfig = at(source.url, region);
    const { result, seen } = await watch(source.url, () => users.getMyUser({ hostConfig }));
    assert.deepEqual(seen.slice(0, 2), ["GET /api/v1/users/me 401", "POST /oauth/token 200"]);
    assert.equal(result.data.tenantId, source.id);
    assert.equal(result.data.subject, bot.subject);
    assert.notEqual(result.data.id, bot.id);
  });

  let tenantClient;
  await step("a client created at the new tenant works there", async () => {
    const clientName = "Interop tenant client";
    const { status, data } = await oauthClients.createOAuthClient(
      {
        clientName,
        appType: "web",
        allowedScopes: ["user_default", "admin_classic"],
        allowedGrantTypes: ["client_credentials"],
        connectionConfig: { consentMethod: "trusted" },
      },
      { hostConfig: at(target, region) },
    );
    assert.equal(status, 201);
    assert.equal(data.clientName, clientName);
    assert.equal(data.clientSecrets.length, 1);
    tenantClient = { client_id: data.clientId, client_secret: data.clientSecret };

    const me = await users.getMyUser({ hostConfig: at(target, tenantClient) });
    assert.equal(me.data.tenantId, created.id);
    assert.equal(me.data.name, clientName);
    assert.equal(me.data.subject, `qlikbot\\${data.clientId}`);
    assert.notEqual(me.data.id, bot.id);
    assert.ok(me.data.roles.includes("TenantAdmin"), `roles: ${me.data.roles}`);
  });

  await step("and nowhere else", async () => {
    for (const url of [source.url, region.register_url, config.console.url]) {
      const hostConfig = at(url, tenantClient, expectRefusal);
      const [error] = await refusal(users.getMyUser({ hostConfig }));
      assert.equal(error.code, "OAUTH-14", url);
    }
  });

  await step("a wrong secret and an unknown client are refused alike", async () => {
    const wrongSecret = { ...region, client_secret: "0".repeat(64) };
    const unknownClient = { ...region, client_id: "0".repeat(32) };
    for (const url of [source.url, region.register_url, config.console.url]) {
      const errors = await refusal(users.getMyUser({ hostConfig: at(url, wrongSecret, expectRefusal) }));
      assert.equal(errors[0].code, "OAUTH-14", url);
      assert.equal(errors[0].status, "401", url);
      assert.deepEqual(
        await refusal(users.getMyUser({ hostConfig: at(url, unknownClient, expectRefusal) })),
        errors,
        url,
      );
    }
  });

  await step("an organization client pages through the whole estate", async () => {
    const found = [];
    let page = await organization("get", "/api/core/tenants", { query: { limit: 1, sort: "createdAt" } });
    for (;;) {
      assert.equal(page.status, 200);
      assert.ok(page.data.data.length <= 1);
      found.push(...page.data.data.map(({ id }) => id));
      if (!page.next) {
        break;
      }
      page = await page.next();
    }
    assert.equal(new Set(found).size, found.length, "a tenant came twice");
    for (const { id } of [created, ...config.tenants]) {
      assert.ok(found.includes(id), `tenant ${id} is missing`);
    }
  });

  await step("it finds, reads and counts the new tenant", async () => {
    const byId = await organization("get", `/api/core/tenants/${created.id}`);
    assert.equal(byId.data.data.length, 1);
    const [tenant] = byId.data.data;
    assert.equal(tenant.id, created.id);
    assert.deepEqual(tenant.hostnames, created.hostnames);

    const filter = `subscriptionId eq "${tenant.subscriptionId}" and id eq "${created.id}"`;
    const query = { totalResults: "true" };
    const filtered = await organization("post", "/api/core/tenants/actions/filter", { query, body: { filter } });
    assert.deepEqual(
      filtered.data.data.map(({ id }) => id),
      [created.id],
    );
    assert.equal(filtered.data.totalResults, 1);

    const counted = await organization("get", "/api/core/tenants/actions/count", { query: { filter } });
    assert.deepEqual(counted.data, { total: 1 });
  });
});
