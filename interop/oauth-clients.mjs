// The whole life of a tenant's OAuth client with the unmodified @qlik/api package:
// every function of its oauth-clients and oauth-tokens.
//
//   INTEROP_CONFIG=config.json node oauth-clients.mjs
//
// INTEROP_CONFIG names a file with the URLs home and neighbour, of two tenants of a
// region, and an administrating client of each under the same names.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

import oauthClients from "@qlik/api/oauth-clients";
import oauthTokens from "@qlik/api/oauth-tokens";
import users from "@qlik/api/users";

assert.ok(process.env.INTEROP_CONFIG, "INTEROP_CONFIG must name a file");
const config = JSON.parse(await readFile(process.env.INTEROP_CONFIG, "utf8"));

/** Options for a call at a host by a client. What was read before may have changed. */
function by({ client_id: clientId, client_secret: clientSecret }, url, more = {}) {
  return { hostConfig: { authType: "oauth2", host: url, clientId, clientSecret, noCache: true, onAuthFailed: () => {} }, noCache: true, ...more };
}
const admin = (more) => by(config.clients.home, config.home, more);
const neighbour = () => by(config.clients.neighbour, config.neighbour);

/** Fails unless promise rejects with a code in the contract's envelope. */
async function refused(promise, code) {
  const error = await promise.then(() => assert.fail("was not refused"), (reason) => reason);
  const errors = error.data?.errors ?? error.errors;
  assert.ok(Array.isArray(errors), `no errors[] in: ${error.stack}`);
  assert.equal(errors[0].code, code, error.message);
}

test("oauth-clients and oauth-tokens with @qlik/api", async (t) => {
  let id;
  let secret;
  const machine = () => ({ client_id: id, client_secret: secret });
  const me = async (credentials, url) => (await users.getMyUser(by(credentials, url))).data;
  const get = async () => (await oauthClients.getOAuthClient(id, admin())).data;
  const patch = (...operations) => oauthClients.patchOAuthClient(id, operations, admin());

  await t.test("create and get", async () => {
    const { status, data } = await oauthClients.createOAuthClient(
      {
        clientName: "life", appType: "web", description: "from its beginning", allowedScopes: ["user_default"],
        allowedGrantTypes: ["client_credentials"], connectionConfig: { consentMethod: "trusted" },
      },
      admin(),
    );
    assert.equal(status, 201);
    ({ clientId: id, clientSecret: secret } = data);
    assert.equal(data.clientSecrets.length, 1);
    assert.equal(data.clientSecrets[0].hint, secret.slice(-5));
    const found = await get();
    assert.equal(found.clientName, "life");
    assert.equal(found.clientSecret, undefined);
    assert.equal((await me(machine(), config.home)).clientId, id);
  });

  await t.test("list, filter and page", async () => {
    const filter = `appType eq "web" and clientId eq "${id}"`;
    const { data } = await oauthClients.getOAuthClients({ filter, totalResults: true }, admin());
    assert.deepEqual(data.data.map(({ clientId }) => clientId), [id]);
    assert.equal(data.totalResults, 1);
    const seen = [];
    let page = await oauthClients.getOAuthClients({ limit: 1, sort: "-createdAt" }, admin());
    for (;;) {
      seen.push(...page.data.data.map(({ clientId }) => clientId));
      if (!page.next) {
        break;
      }
      page = await page.next(admin());
    }
    assert.equal(new Set(seen).size, seen.length);
    assert.ok(seen.length >= 2 && seen.includes(id), `${seen}`);
  });

  await t.test("patch", async () => {
    const { status } = await patch(
      { op: "replace", path: "/clientName", value: "lives" },
      { op: "remove", path: "/description" },
      { op: "add", path: "/allowedScopes", value: ["user_default", "apps:read"] },
    );
    assert.equal(status, 204);
    const found = await get();
    assert.equal(found.clientName, "lives");
    assert.equal(found.description, undefined);
    assert.deepEqual(found.allowedScopes, ["user_default", "apps:read"]);
    await refused(patch({ op: "replace", path: "/appType", value: "spa" }), "OAUTHCLIENTS-5");
  });

  await t.test("five secrets and no more", async () => {
    const hints = [];
    for (let i = 0; i < 4; i++) {
      const { status, data } = await oauthClients.createOAuthClientSecret(id, admin());
      assert.equal(status, 201);
      assert.equal((await me({ client_id: id, client_secret: data.clientSecret }, config.home)).clientId, id);
      hints.push(data.hint);
    }
    await refused(oauthClients.createOAuthClientSecret(id, admin()), "OAUTHCLIENTS-7");
    for (const hint of hints) {
      assert.equal((await oauthClients.deleteOAuthClientSecret(id, hint, admin())).status, 204);
    }
    assert.equal((await get()).clientSecrets.length, 1);
    await refused(oauthClients.deleteOAuthClientSecret(id, hints[0], admin()), "OAUTHCLIENTS-6");
  });

  await t.test("from a secret to a key, and back with a new secret", async () => {
    const { publicKey } = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-384" }, true, ["sign", "verify"]);
    const jwk = { ...(await crypto.subtle.exportKey("jwk", publicKey)), kid: "k1", alg: "ES384", use: "sig" };
    await patch({ op: "add", path: "/publicKeys", value: [jwk] }, { op: "replace", path: "/allowedAuthMethods", value: ["private_key_jwt"] });
    assert.deepEqual((await get()).clientSecrets ?? [], []);
    const { status, data } = await patch({ op: "replace", path: "/allowedAuthMethods", value: ["client_secret", "private_key_jwt"] });
    assert.equal(status, 202);
    await refused(users.getMyUser(by(machine(), config.home)), "OAUTH-14");
    secret = data.clientSecret;
    assert.equal((await me(machine(), config.home)).clientId, id);
  });

  await t.test("consent in its own tenant", async () => {
    const { data } = await oauthClients.getOAuthClientConnectionConfig(id, admin());
    assert.equal(data.consentMethod, "trusted");
    const { status } = await oauthClients.patchOAuthClientConnectionConfig(id, [{ op: "replace", path: "/consentMethod", value: "required" }], admin());
    assert.equal(status, 204);
    await oauthClients.patchOAuthClientConnectionConfig(id, [{ op: "replace", path: "/consentMethod", value: "trusted" }], admin());
  });

  await t.test("publish, and act in the neighbour's tenant while it is trusted there", async () => {
    await refused(oauthClients.getOAuthClient(id, neighbour()), "OAUTHCLIENTS-2");
    const { status, data } = await oauthClients.publishOAuthClient(id, admin());
    assert.equal(status, 201);
    assert.ok(Date.parse(data.publishedAt));
    assert.equal((await oauthClients.getOAuthClient(id, neighbour())).data.clientName, "lives");
    await refused(users.getMyUser(by(machine(), config.neighbour)), "OAUTH-14");
    await oauthClients.patchOAuthClientConnectionConfig(id, [{ op: "replace", path: "/consentMethod", value: "trusted" }], neighbour());
    assert.equal((await me(machine(), config.neighbour)).clientId, id);
    assert.equal((await oauthClients.deleteOAuthClientConnectionConfig(id, neighbour())).status, 204);
    await refused(users.getMyUser(by(machine(), config.neighbour)), "OAUTH-14");
  });

  await t.test("list and delete its tokens", async () => {
    const bot = await me(machine(), config.home);
    // A use shows within a second: of what is written behind, the last is awaited.
    let found;
    for (let i = 0; i < 50 && !found; i++) {
      const { data } = await oauthTokens.getOauthTokens({ userId: bot.id, sort: "userId", limit: 100 }, admin());
      found = data.data.find(({ clientId }) => clientId === id);
      await new Promise((resolve) => setTimeout(resolve, found ? 0 : 100));
    }
    assert.ok(found, "the token is not listed");
    assert.equal(found.userId, bot.id);
    assert.match(found.id, /^[0-9a-f]{24}$/);

    const answer = await fetch(new URL("/oauth/token", config.home), {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ ...machine(), grant_type: "client_credentials" }),
    });
    const { access_token: token } = await answer.json();
    const withToken = async () => (await fetch(new URL("/api/v1/users/me", config.home), { headers: { authorization: `Bearer ${token}` } })).status;
    assert.equal(await withToken(), 200);
    assert.equal((await oauthTokens.deleteOauthToken(found.id, admin())).status, 204);
    assert.equal(await withToken(), 401, "the token outlives its deletion");
    await refused(oauthTokens.deleteOauthToken("0".repeat(24), admin()), "OAUTHTOKENS-1");
  });

  await t.test("delete, which has to be meant", async () => {
    await refused(oauthClients.deleteOAuthClient(id, admin()), "OAUTHCLIENTS-4");
    const { status } = await oauthClients.deleteOAuthClient(id, admin({ headers: { "qlik-confirm-delete": id } }));
    assert.equal(status, 204);
    await refused(oauthClients.getOAuthClient(id, admin()), "OAUTHCLIENTS-2");
    await refused(users.getMyUser(by(machine(), config.home)), "OAUTH-14");
  });
});
