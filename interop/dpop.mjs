// Sender-constrained tokens, token exchange and impersonation with openid-client
// and oauth4webapi, unmodified.
//
//   INTEROP_CONFIG=config.json node dpop.mjs
//
// INTEROP_CONFIG names a file with the URLs register, console and tenant, and the
// clients region, organization (which holds admin_classic) and portal (a tenant's
// client that may impersonate the person with the subject "bob").

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

import * as oauth from "oauth4webapi";
import * as client from "openid-client";

assert.ok(process.env.INTEROP_CONFIG, "INTEROP_CONFIG must name a file");
const config = JSON.parse(await readFile(process.env.INTEROP_CONFIG, "utf8"));
const insecure = { [oauth.allowInsecureRequests]: true };
const exchange = "urn:ietf:params:oauth:grant-type:token-exchange";
const accessToken = "urn:ietf:params:oauth:token-type:access_token";
const resource = new URL("/api/v1/licenses/overview", config.tenant);

const claims = (token) => JSON.parse(Buffer.from(token.split(".")[1], "base64url"));

/** openid-client's view of a host, found through the host's metadata. */
function discover(url, { client_id: id, client_secret: secret }) {
  return client.discovery(new URL(url), id, secret, secret ? client.ClientSecretBasic(secret) : client.None(), {
    algorithm: "oauth2",
    execute: [client.allowInsecureRequests],
  });
}

for (const algorithm of ["ES256", "ES384", "PS256", "RS256"]) {
  test(`openid-client: DPoP with ${algorithm}`, async () => {
    const host = await discover(config.tenant, config.region);
    assert.ok(host.serverMetadata().dpop_signing_alg_values_supported.includes(algorithm));
    const DPoP = client.getDPoPHandle(host, await client.randomDPoPKeyPair(algorithm));
    const tokens = await client.clientCredentialsGrant(host, {}, { DPoP });
    assert.equal(tokens.token_type, "dpop");
    assert.equal(claims(tokens.access_token).cnf.jkt, await DPoP.calculateThumbprint());
    for (let i = 0; i < 3; i++) {
      const answer = await client.fetchProtectedResource(host, tokens.access_token, resource, "GET", null, null, { DPoP });
      assert.equal(answer.status, 200);
    }
    // The token alone is worth nothing.
    const stolen = await fetch(resource, { headers: { authorization: `Bearer ${tokens.access_token}` } });
    assert.equal(stolen.status, 401);
    assert.match(stolen.headers.get("www-authenticate"), /^DPoP .*error="invalid_token"/);
    const thief = client.getDPoPHandle(host, await client.randomDPoPKeyPair());
    await assert.rejects(client.fetchProtectedResource(host, tokens.access_token, resource, "GET", null, null, { DPoP: thief }));
  });
}

test("openid-client: exchange, so that the secret goes to one host only", async () => {
  for (const [url, credentials] of [[config.register, config.region], [config.console, config.organization]]) {
    const above = await discover(url, credentials);
    const subject = await client.clientCredentialsGrant(above);
    const below = await discover(config.tenant, { client_id: credentials.client_id });
    const tokens = await client.genericGrantRequest(below, exchange, {
      subject_token: subject.access_token,
      subject_token_type: accessToken,
    });
    assert.equal(tokens.issued_token_type, accessToken);
    assert.equal(tokens.scope, "admin_classic");
    assert.equal((await client.fetchProtectedResource(below, tokens.access_token, resource, "GET")).status, 200);
    assert.ok(claims(tokens.access_token).exp <= claims(subject.access_token).exp);
  }
});

test("openid-client: exchange of a bound token needs its key", async () => {
  const above = await discover(config.register, config.region);
  const keys = await client.randomDPoPKeyPair();
  const DPoP = client.getDPoPHandle(above, keys);
  const subject = await client.clientCredentialsGrant(above, {}, { DPoP });
  const below = await discover(config.tenant, { client_id: config.region.client_id });
  const parameters = { subject_token: subject.access_token, subject_token_type: accessToken };
  await assert.rejects(client.genericGrantRequest(below, exchange, parameters), { error: "invalid_dpop_proof" });
  const proof = { DPoP: client.getDPoPHandle(below, keys) };
  const tokens = await client.genericGrantRequest(below, exchange, parameters, proof);
  assert.equal(tokens.token_type, "dpop");
  assert.equal((await client.fetchProtectedResource(below, tokens.access_token, resource, "GET", null, null, proof)).status, 200);
});

test("openid-client: impersonation", async () => {
  const host = await discover(config.tenant, config.portal);
  const tokens = await client.genericGrantRequest(host, "urn:qlik:oauth:user-impersonation", {
    scope: "user_default",
    user_lookup: JSON.stringify({ field: "subject", value: "bob" }),
  });
  assert.equal(claims(tokens.access_token).act.sub, config.portal.client_id);
  const me = await client.fetchProtectedResource(host, tokens.access_token, new URL("/api/v1/users/me", config.tenant), "GET");
  assert.equal(new URL(me.headers.get("location"), config.tenant).pathname, `/api/v1/users/${claims(tokens.access_token).user}`);
});

/** oauth4webapi does nothing by itself: once more with the nonce, if one is asked for. */
async function withNonce(fn) {
  try {
    return await fn();
  } catch (error) {
    assert.ok(oauth.isDPoPNonceError(error), error.stack);
    return fn();
  }
}

test("oauth4webapi: DPoP and exchange", async () => {
  const authorizationServer = async (url) =>
    oauth.processDiscoveryResponse(new URL(url), await oauth.discoveryRequest(new URL(url), { algorithm: "oauth2", ...insecure }));
  const above = await authorizationServer(config.register);
  const below = await authorizationServer(config.tenant);
  const machine = { client_id: config.region.client_id };
  const DPoP = oauth.DPoP(machine, await oauth.generateKeyPair("ES256"));
  let asked = 0;
  const subject = await withNonce(async () => {
    asked++;
    const answer = await oauth.clientCredentialsGrantRequest(
      above, machine, oauth.ClientSecretPost(config.region.client_secret), {}, { DPoP, ...insecure });
    return oauth.processClientCredentialsResponse(above, machine, answer);
  });
  assert.equal(asked, 2, "the first proof has no nonce");
  const tokens = await withNonce(async () => {
    const answer = await oauth.genericTokenEndpointRequest(
      below, machine, oauth.None(), exchange,
      { subject_token: subject.access_token, subject_token_type: accessToken }, { DPoP, ...insecure });
    return oauth.processGenericTokenEndpointResponse(below, machine, answer);
  });
  assert.equal(tokens.token_type, "dpop");
  const answer = await withNonce(() =>
    oauth.protectedResourceRequest(tokens.access_token, "GET", resource, undefined, undefined, { DPoP, ...insecure }));
  assert.equal(answer.status, 200);
});
