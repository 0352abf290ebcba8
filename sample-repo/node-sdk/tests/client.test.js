import assert from "node:assert/strict";
import { test } from "node:test";

import { Client } from "../dist/index.js";

test("addresses stand on the base", () => {
  assert.equal(new Client("http://server:8080").address("/health"), "http://server:8080/health");
});
