// Authenticates without a secret, with unmodified openid-client and
// oauth4webapi: by assertions that a registered key signs, one client for each
// algorithm, and by the tokens of an outside OpenID Connect issuer, which this
// script runs. Every token is shown to the API of the host that it is for.
//
//   INTEROP_CONFIG=freehold-data/quickstart.json node private-key-jwt.mjs
//
// INTEROP_CONFIG names a file in the form of quickstart.json. The server must be
// allowed to fetch from private addresses (outbound_allow_private).

import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { after, test } from "node:test";

import * as oauth from "oauth4webapi";
import * as openid from "openid-client";

assert.ok(process.env.INTEROP_CONFIG, "INTEROP_CONFIG must name a quickstart.json");
const config = JSON.parse(await readFile(process.env.INTEROP_CONFIG, "utf8"));
const tenant = config.tenants[0];
assert.ok(tenant, "INTEROP_CONFIG has no tenant");

const insecure = { [oauth.allowInsecureRequests]: true }; // the server is on this machine
const scope = "user_default";

const rsa = { modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) };
const algorithms = {
  RS256: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256", ...rsa },
  RS512: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-512", ...rsa },
  PS256: { name: "RSA-PSS", hash: "SHA-256", ...rsa },
  ES256: { name: "ECDSA", namedCurve: "P-256" },
  ES384: { name: "ECDSA", namedCurve: "P-384" },
  Ed25519: { name: "Ed25519" },
};

/** A key pair, and its public part as the runtime writes it. */
async function generate(alg) {
  const { privateKey, publicKey } = await crypto.subtle.generateKey(algorithms[alg], true, ["sign", "verify"]);
  return { privateKey, jwk: { ...(await crypto.subtle.exportKey("jwk", publicKey)), alg, kid: `key-${alg}` } };
}

/** Calls the tenant's API and returns its answer. */
async function call(token, path, body) {
  const response = await fetch(new URL(path, tenant.url), {
    method: body ? "POST" : "GET",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: body && JSON.stringify(body),
  });
  return { status: response.status, body: await response.json() };
}

/** Makes a client of the tenant, as its administrator's automation would. */
async function register(members) {
  const admin = await openid.discovery(
    new URL(tenant.url), tenant.client_id, undefined, openid.ClientSecretBasic(tenant.client_secret),
    { algorithm: "oauth2", execute: [openid.allowInsecureRequests] },
  );
  const { access_token } = await openid.clientCredentialsGrant(admin);
  const { status, body } = await call(access_token, "/api/v1/oauth-clients", {
    clientName: "keyless", appType: "web", allowedGrantTypes: ["client_credentials"], allowedScopes: [scope],
    connectionConfig: { consentMethod: "trusted" }, ...members,
  });
  assert.equal(status, 201, JSON.stringify(body));
  assert.equal(body.clientSecret, undefined);
  return body;
}

/** The token belongs to the client, and the API takes it. */
async function worksFor(clientId, token) {
  const { status, body } = await call(token, "/api/v1/users/me");
  assert.equal(status, 200);
  assert.ok(body.subject.includes(clientId), body.subject);
}

for (const alg of Object.keys(algorithms)) {
  test(`private_key_jwt with ${alg}`, async (t) => {
    const { privateKey, jwk } = await generate(alg);
    const { clientId } = await register({ publicKeys: [jwk], allowedAuthMethods: ["private_key_jwt"] });

    await t.test("openid-client", async () => {
      const as = await openid.discovery(
        new URL(tenant.url), clientId, undefined, openid.PrivateKeyJwt({ key: privateKey, kid: jwk.kid }),
        { algorithm: "oauth2", execute: [openid.allowInsecureRequests] },
      );
      assert.ok(as.serverMetadata().token_endpoint_auth_methods_supported.includes("private_key_jwt"));
      assert.ok(as.serverMetadata().token_endpoint_auth_signing_alg_values_supported.includes(alg));
      const answer = await openid.clientCredentialsGrant(as, { scope });
      assert.equal(answer.token_type, "bearer");
      assert.equal(answer.expires_in, 6 * 60 * 60);
      await worksFor(clientId, answer.access_token);
    });

    await t.test("oauth4webapi, aud the token endpoint", async () => {
      const issuer = new URL(tenant.url);
      const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, { algorithm: "oauth2", ...insecure }));
      const client = { client_id: clientId };
      const authentication = oauth.PrivateKeyJwt(privateKey, { // without kid, which is optional
        [oauth.modifyAssertion]: (_, payload) => { payload.aud = as.token_endpoint; },
      });
      const response = await oauth.clientCredentialsGrantRequest(as, client, authentication, new URLSearchParams({ scope }), insecure);
      const answer = await oauth.processClientCredentialsResponse(as, client, response);
      await worksFor(clientId, answer.access_token);
    });

    await t.test("a key of another client is refused", async () => {
      const other = await generate(alg);
      const as = await openid.discovery(
        new URL(tenant.url), clientId, undefined, openid.PrivateKeyJwt({ key: other.privateKey, kid: jwk.kid }),
        { algorithm: "oauth2", execute: [openid.allowInsecureRequests] },
      );
      await assert.rejects(openid.clientCredentialsGrant(as, { scope }), (error) => error.error === "invalid_client" && error.status === 401);
    });
  });
}

test("tokens of an outside issuer", async (t) => {
  const { privateKey, jwk } = await generate("ES256");
  const issuer = createServer((request, response) => {
    const answers = {
      "/.well-known/openid-configuration": { issuer: origin, jwks_uri: `${origin}/jwks` },
      "/jwks": { keys: [jwk] },
    };
    response.writeHead(answers[request.url] ? 200 : 404, { "content-type": "application/json" });
    response.end(JSON.stringify(answers[request.url] ?? {}));
  });
  issuer.listen(0, "127.0.0.1");
  await once(issuer, "listening");
  after(() => issuer.close());
  const origin = `http://127.0.0.1:${issuer.address().port}`;

  const { clientId } = await register({
    federatedCredentials: [{ name: "deploy", issuer: origin, audience: "freehold", condition: "claims.repository == 'acme/infrastructure'" }],
  });

  /** A token as the issuer makes it for a run in a repository. */
  const tokenOf = async (repository) => {
    const encode = (value) => Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");
    const now = Math.floor(Date.now() / 1000);
    const text = `${encode({ alg: "ES256", kid: jwk.kid })}.${encode({
      iss: origin, sub: `repo:${repository}`, aud: "freehold", iat: now, exp: now + 600, repository,
    })}`;
    const signature = await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, privateKey, Buffer.from(text));
    return `${text}.${Buffer.from(signature).toString("base64url")}`;
  };
  const exchange = async (repository) => {
    const as = await openid.discovery(
      new URL(tenant.url), clientId, undefined, openid.None(), { algorithm: "oauth2", execute: [openid.allowInsecureRequests] },
    );
    return openid.genericGrantRequest(as, "urn:ietf:params:oauth:grant-type:token-exchange", {
      subject_token: await tokenOf(repository), subject_token_type: "urn:ietf:params:oauth:token-type:jwt", scope,
    });
  };

  await t.test("exchanged", async () => {
    const answer = await exchange("acme/infrastructure");
    assert.equal(answer.issued_token_type, "urn:ietf:params:oauth:token-type:access_token");
    await worksFor(clientId, answer.access_token);
  });

  await t.test("shown as an assertion", async () => {
    const assertion = await tokenOf("acme/infrastructure");
    const as = await openid.discovery(
      new URL(tenant.url), clientId, undefined,
      (_as, client, body) => {
        body.set("client_id", client.client_id);
        body.set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
        body.set("client_assertion", assertion);
      },
      { algorithm: "oauth2", execute: [openid.allowInsecureRequests] },
    );
    await worksFor(clientId, (await openid.clientCredentialsGrant(as, { scope })).access_token);
  });

  await t.test("refused for another repository", async () => {
    await assert.rejects(exchange("acme/website"), (error) => error.error === "invalid_client" && error.status === 401);
  });
});
