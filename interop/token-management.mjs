// Revocation (RFC 7009), introspection (RFC 7662), also as a signed JWT (RFC 9701),
// and metadata with openid-client and oauth4webapi, unmodified.
//
//   INTEROP_CONFIG=quickstart.json node token-management.mjs
//
// INTEROP_CONFIG names a file in the form of quickstart.json.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

import * as oauth from "oauth4webapi";
import * as client from "openid-client";

assert.ok(process.env.INTEROP_CONFIG, "INTEROP_CONFIG must name a quickstart.json");
const config = JSON.parse(await readFile(process.env.INTEROP_CONFIG, "utf8"));
const tenant = config.tenants[0];
const insecure = { [oauth.allowInsecureRequests]: true }; // the server is on this machine

const hosts = {
  console: { url: config.console.url, credentials: config.console, path: "/api/core/tenants" },
  register: { url: config.regions[tenant.region].register_url, credentials: config.regions[tenant.region], path: `/api/v1/tenants/${tenant.id}` },
  tenant: { url: tenant.url, credentials: tenant, path: "/api/v1/licenses/overview" },
};

const status = async (url, path, token) =>
  (await fetch(new URL(path, url), { headers: { authorization: `Bearer ${token}` } })).status;

for (const [name, { url, credentials, path }] of Object.entries(hosts)) {
  for (const [method, authentication] of [["basic", client.ClientSecretBasic], ["post", client.ClientSecretPost]]) {
    test(`openid-client: ${method} at the ${name} host`, async () => {
      const host = await client.discovery(new URL(url), credentials.client_id, undefined, authentication(credentials.client_secret), {
        algorithm: "oauth2", execute: [client.allowInsecureRequests],
      });
      const { access_token: token } = await client.clientCredentialsGrant(host);
      const state = await client.tokenIntrospection(host, token);
      assert.equal(state.active, true);
      assert.equal(state.client_id, credentials.client_id);
      assert.equal(state.iss, url);
      assert.ok(state.exp > state.iat);
      assert.equal(await status(url, path, token), 200);

      await client.tokenRevocation(host, token);
      await client.tokenRevocation(host, token); // what is gone can be revoked again
      await client.tokenRevocation(host, "no token at all", { token_type_hint: "refresh_token" });
      assert.deepEqual(await client.tokenIntrospection(host, token), { active: false });
      assert.equal(await status(url, path, token), 401);
    });
  }

  test(`oauth4webapi: introspection as a signed JWT at the ${name} host`, async () => {
    const issuer = new URL(url);
    const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, { algorithm: "oauth2", ...insecure }));
    const machine = { client_id: credentials.client_id };
    const secret = oauth.ClientSecretPost(credentials.client_secret);
    const answer = await oauth.clientCredentialsGrantRequest(as, machine, secret, {}, insecure);
    const { access_token: token } = await oauth.processClientCredentialsResponse(as, machine, answer);
    const response = await oauth.introspectionRequest(as, machine, secret, token, { requestJwtResponse: true, ...insecure });
    assert.match(response.headers.get("content-type"), /^application\/token-introspection\+jwt/);
    const alg = JSON.parse(Buffer.from((await response.clone().text()).split(".")[0], "base64url")).alg;
    const asker = { ...machine, introspection_signed_response_alg: alg };
    const state = await oauth.processIntrospectionResponse(as, asker, response);
    assert.equal(state.active, true);
    await oauth.validateApplicationLevelSignature(as, response, insecure);

    await oauth.processRevocationResponse(await oauth.revocationRequest(as, machine, secret, token, insecure));
    const after = await oauth.introspectionRequest(as, machine, secret, token, insecure);
    assert.equal((await oauth.processIntrospectionResponse(as, machine, after)).active, false);
  });

  test(`oauth4webapi: a wrong secret at the ${name} host`, async () => {
    const issuer = new URL(url);
    const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, { algorithm: "oauth2", ...insecure }));
    const machine = { client_id: credentials.client_id };
    const wrong = oauth.ClientSecretBasic("0".repeat(64));
    const unauthorized = (error) => error.status === 401;
    const revocation = await oauth.revocationRequest(as, machine, wrong, "x", insecure);
    await assert.rejects(oauth.processRevocationResponse(revocation), unauthorized);
    const introspection = await oauth.introspectionRequest(as, machine, wrong, "x", insecure);
    await assert.rejects(oauth.processIntrospectionResponse(as, machine, introspection), unauthorized);
  });
}

test("oauth4webapi: a token of another client is nobody's business", async () => {
  const as = async (url) => oauth.processDiscoveryResponse(new URL(url), await oauth.discoveryRequest(new URL(url), { algorithm: "oauth2", ...insecure }));
  const here = await as(tenant.url);
  const region = hosts.register.credentials;
  const owner = { client_id: region.client_id };
  const answer = await oauth.clientCredentialsGrantRequest(here, owner, oauth.ClientSecretPost(region.client_secret), {}, insecure);
  const { access_token: token } = await oauth.processClientCredentialsResponse(here, owner, answer);
  const other = { client_id: tenant.client_id };
  const secret = oauth.ClientSecretPost(tenant.client_secret);
  await oauth.processRevocationResponse(await oauth.revocationRequest(here, other, secret, token, insecure));
  assert.equal(await status(tenant.url, hosts.tenant.path, token), 200, "somebody else revoked it");
  // Nor does the host above know it.
  const above = await as(hosts.register.url);
  const asked = await oauth.introspectionRequest(above, owner, oauth.ClientSecretPost(region.client_secret), token, insecure);
  assert.deepEqual(await oauth.processIntrospectionResponse(above, owner, asked), { active: false });
});
