// Programs that act for people, with openid-client and oauth4webapi, unmodified: the
// authorization code flow with PKCE, refresh tokens, and the device flow.
//
//   INTEROP_CONFIG=config.json node people.mjs
//
// INTEROP_CONFIG names a file with the URLs tenant and console, the Cookie headers
// user and account of people who are signed in there, and the clients spa and web,
// which the tenant trusts.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

import * as oauth from "oauth4webapi";
import * as client from "openid-client";

assert.ok(process.env.INTEROP_CONFIG, "INTEROP_CONFIG must name a file");
const config = JSON.parse(await readFile(process.env.INTEROP_CONFIG, "utf8"));
const callback = "https://app.example.com/callback";
const scope = "user_default offline_access";
const insecure = { [oauth.allowInsecureRequests]: true }; // the server is on this machine
const plain = { algorithm: "oauth2", execute: [client.allowInsecureRequests] };

/** Opens a page as the browser of a person does, or sends its form. */
async function browse(cookie, url, form) {
  const response = await fetch(url, {
    redirect: "manual", method: form ? "POST" : "GET", body: form && new URLSearchParams(form),
    headers: { cookie, accept: "text/html", ...(form && { origin: new URL(url).origin }) },
  });
  return { status: response.status, location: response.headers.get("location"), body: await response.text() };
}

/** Sends a person to the authorization endpoint, and returns where they end up. */
async function authorize(url) {
  const { status, location, body } = await browse(config.user, url);
  assert.equal(status, 302, body);
  assert.ok(location.startsWith(callback), location);
  return new URL(location);
}

/** Approves, or refuses, a device as a person. */
async function decide(cookie, link, more = {}) {
  const { body } = await browse(cookie, link);
  const form = [...body.matchAll(/name="form" value="([^"]*)"/g)].at(-1)?.[1].replaceAll("&#43;", "+").replaceAll("&amp;", "&");
  assert.ok(form, body);
  const page = new URL(link);
  const answer = await browse(cookie, `${page.origin}/device`, { form, user_code: page.searchParams.get("user_code"), ...more });
  assert.equal(answer.status, 303, answer.body);
}

const status = async (url, path, token) => (await fetch(new URL(path, url), { redirect: "manual", headers: { authorization: `Bearer ${token}` } })).status;
const works = async (token) => assert.equal(await status(config.tenant, "/api/v1/users/me", token), 302);
const dead = async (token) => assert.equal(await status(config.tenant, "/api/v1/users/me", token), 401);
const about = (parameter) => (error) => error.cause.message.includes(`"${parameter}"`);
const invalidGrant = (error) => error.error === "invalid_grant" && error.status === 400;

const programs = {
  "a program that keeps no secret": [config.spa.client_id, client.None()],
  "a program with a secret in the body": [config.web.client_id, client.ClientSecretPost(config.web.client_secret)],
  "a program with a secret in the header": [config.web.client_id, client.ClientSecretBasic(config.web.client_secret)],
};
for (const [name, [id, authentication]] of Object.entries(programs)) {
  test(`openid-client: code, PKCE and refresh by ${name}`, async () => {
    const host = await client.discovery(new URL(config.tenant), id, undefined, authentication, plain);
    const begin = async () => {
      const pkceCodeVerifier = client.randomPKCECodeVerifier();
      const expectedState = client.randomState();
      const url = client.buildAuthorizationUrl(host, {
        redirect_uri: callback, scope, state: expectedState, code_challenge_method: "S256",
        code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
      });
      return { back: await authorize(url), checks: { pkceCodeVerifier, expectedState } };
    };
    const { back, checks } = await begin();
    assert.equal(back.searchParams.get("iss"), config.tenant);
    const tokens = await client.authorizationCodeGrant(host, back, checks);
    await works(tokens.access_token);

    const renewed = await client.refreshTokenGrant(host, tokens.refresh_token);
    assert.notEqual(renewed.refresh_token, tokens.refresh_token);
    await works(renewed.access_token);
    const narrow = await client.refreshTokenGrant(host, renewed.refresh_token, { scope: "user_default" });
    assert.equal(narrow.scope, "user_default");

    // What is not of this attempt is not taken.
    const other = await begin();
    await assert.rejects(client.authorizationCodeGrant(host, other.back, { ...other.checks, expectedState: client.randomState() }), about("state"));
    const mixedUp = new URL(other.back);
    mixedUp.searchParams.set("iss", "https://attacker.example.com");
    await assert.rejects(client.authorizationCodeGrant(host, mixedUp, other.checks), about("iss"));
    mixedUp.searchParams.delete("iss");
    await assert.rejects(client.authorizationCodeGrant(host, mixedUp, other.checks), about("iss"));
    await assert.rejects(client.authorizationCodeGrant(host, other.back, { ...other.checks, pkceCodeVerifier: client.randomPKCECodeVerifier() }), invalidGrant);
    await assert.rejects(client.authorizationCodeGrant(host, other.back, other.checks), invalidGrant, "a code that was tried before");

    // A code that is used again takes along what came of it.
    await assert.rejects(client.authorizationCodeGrant(host, back, checks), invalidGrant);
    await dead(tokens.access_token);
    await dead(narrow.access_token);
    await assert.rejects(client.refreshTokenGrant(host, narrow.refresh_token), invalidGrant);

    // Revoking a refresh token ends its access token.
    const last = await begin();
    const ended = await client.authorizationCodeGrant(host, last.back, last.checks);
    await client.tokenRevocation(host, ended.refresh_token, { token_type_hint: "refresh_token" });
    await dead(ended.access_token);
    await assert.rejects(client.refreshTokenGrant(host, ended.refresh_token), invalidGrant);
  });
}

test("openid-client: an error comes back with state and iss", async () => {
  const host = await client.discovery(new URL(config.tenant), config.spa.client_id, undefined, client.None(), plain);
  const state = client.randomState();
  const back = await authorize(client.buildAuthorizationUrl(host, { redirect_uri: callback, scope, state }));
  await assert.rejects(client.authorizationCodeGrant(host, back, { expectedState: state }), (error) => error.error === "invalid_request", "without PKCE");
});

test("oauth4webapi: code and PKCE, with a token bound to a key", async () => {
  const issuer = new URL(config.tenant);
  const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, { algorithm: "oauth2", ...insecure }));
  assert.equal(as.authorization_response_iss_parameter_supported, true);
  const app = { client_id: config.spa.client_id };
  const verifier = oauth.generateRandomCodeVerifier();
  const state = oauth.generateRandomState();
  const url = new URL(as.authorization_endpoint);
  url.search = new URLSearchParams({
    client_id: app.client_id, redirect_uri: callback, response_type: "code", scope, state,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: "S256",
  });
  const back = await authorize(url);
  assert.throws(() => oauth.validateAuthResponse(as, app, back, oauth.generateRandomState()), /state/);
  const parameters = oauth.validateAuthResponse(as, app, back, state);
  const keys = await oauth.generateKeyPair("ES256");
  const DPoP = oauth.DPoP(app, keys);
  const send = async (fn) => {
    const once = async () => oauth.processGenericTokenEndpointResponse(as, app, await fn());
    try {
      return await once();
    } catch (error) {
      if (!oauth.isDPoPNonceError(error)) throw error;
      return once();
    }
  };
  const tokens = await send(() => oauth.authorizationCodeGrantRequest(as, app, oauth.None(), parameters, callback, verifier, { DPoP, ...insecure }));
  assert.equal(tokens.token_type, "dpop");
  const renewed = await send(() => oauth.refreshTokenGrantRequest(as, app, oauth.None(), tokens.refresh_token, { DPoP, ...insecure }));
  assert.equal(renewed.token_type, "dpop");
  await dead(renewed.access_token); // without a proof

  const thief = oauth.DPoP(app, await oauth.generateKeyPair("ES256"));
  await assert.rejects(send(() => oauth.refreshTokenGrantRequest(as, app, oauth.None(), renewed.refresh_token, { DPoP: thief, ...insecure })));
  await assert.rejects(send(() => oauth.refreshTokenGrantRequest(as, app, oauth.None(), renewed.refresh_token, insecure)));
});

const places = {
  console: { url: config.console, cookie: config.account, path: "/api/core/tenants", ok: 200, scope: "cloud-console.tenants:read offline_access" },
  tenant: { url: config.tenant, cookie: config.user, path: "/api/v1/users/me", ok: 302, scope },
};
for (const [name, place] of Object.entries(places)) {
  test(`openid-client: the device flow at the ${name} host`, async () => {
    const host = await client.discovery(new URL(place.url), "freehold-cli", undefined, client.None(), plain);
    const device = await client.initiateDeviceAuthorization(host, { scope: place.scope });
    await decide(place.cookie, device.verification_uri_complete);
    const tokens = await client.pollDeviceAuthorizationGrant(host, { ...device, interval: 1 });
    assert.equal(await status(place.url, place.path, tokens.access_token), place.ok);
    const renewed = await client.refreshTokenGrant(host, tokens.refresh_token);
    assert.equal(await status(place.url, place.path, renewed.access_token), place.ok);
    await assert.rejects(client.pollDeviceAuthorizationGrant(host, { ...device, interval: 1 }), invalidGrant, "a code that was used");
  });

  test(`oauth4webapi: a device that waits, and one that is refused, at the ${name} host`, async () => {
    const issuer = new URL(place.url);
    const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, { algorithm: "oauth2", ...insecure }));
    const app = { client_id: "freehold-cli" };
    const answer = await oauth.deviceAuthorizationRequest(as, app, oauth.None(), { scope: place.scope }, insecure);
    const device = await oauth.processDeviceAuthorizationResponse(as, app, answer);
    const ask = async () => oauth.processDeviceCodeResponse(as, app, await oauth.deviceCodeGrantRequest(as, app, oauth.None(), device.device_code, insecure));
    await assert.rejects(ask(), (error) => error.error === "authorization_pending");
    await assert.rejects(ask(), (error) => error.error === "slow_down");
    await decide(place.cookie, device.verification_uri_complete, { deny: "yes" });
    await assert.rejects(ask(), (error) => error.error === "access_denied");
    await assert.rejects(ask(), invalidGrant);
  });
}
