import assert from "node:assert/strict";
import test from "node:test";

import { publicAddress } from "../../web/origins.js";

const at = (address, base = "") => publicAddress(new URL(address), base);

test("a page that was opened over public https offers its own address, path and all", () => {
  assert.equal(at("https://pod-1234.hoster.net/"), "https://pod-1234.hoster.net");
  assert.equal(at("https://comfy.hoster.net:8443/ui/", "/ui/"), "https://comfy.hoster.net:8443/ui");
  assert.equal(at("https://9.9.9.9/"), "https://9.9.9.9");
  assert.equal(at("https://[2600:1f18::1]/"), "https://[2600:1f18::1]");
});

test("an address that a provider can't fetch from is not offered", () => {
  for (const address of [
    "http://pod-1234.hoster.net/",
    "https://localhost:8188/",
    "https://comfy.localhost/",
    "https://workstation/",
    "https://nas.local/",
    "https://comfy.internal/",
    "https://127.0.0.1/",
    "https://10.1.2.3/",
    "https://192.168.1.5/",
    "https://172.20.0.1/",
    "https://100.100.1.1/",
    "https://169.254.1.1/",
    "https://[::1]/",
    "https://[fd00::1]/",
    "https://[fe80::1]/",
  ])
    assert.equal(at(address), null, address);
});
