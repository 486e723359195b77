// What is published to npm: each file that package.json names is there and is packed, and CommonJS programs get what others import.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { test } from "node:test";
import { reference } from "../reference.mjs";
import * as client from "../tidewire.js";

const require = createRequire(import.meta.url);

for (const folder of ["js", "react"]) {
  test(`clients/${folder}/package.json names what is there, and packs it`, () => {
    const at = new URL(`../../${folder}/`, import.meta.url), { exports, main, module, types, files } = JSON.parse(readFileSync(new URL("package.json", at), "utf8"));
    const targets = (value) => (typeof value === "string" ? [value] : Object.values(value).flatMap(targets));
    for (const target of new Set([main, module, types, ...targets(exports)])) {
      assert.ok(existsSync(new URL(target, at)), `${target} is not there`);
      assert.ok(target === "./package.json" || files.includes(target.slice(2)), `${target} is not packed`);
    }
    for (const file of files) assert.ok(existsSync(new URL(file, at)), `${file} is not there`);
    for (const conditions of Object.values(exports).filter((each) => typeof each === "object").flatMap((each) => (each.types ? [each] : Object.values(each)))) {
      assert.equal(Object.keys(conditions)[0], "types", "types are read only if they come first");
    }
  });
}

test("the CommonJS module has what the ES module has", () => {
  const required = require("../tidewire.cjs");
  assert.deepEqual(Object.keys(required).sort(), Object.keys(client).sort());
  assert.equal(required.parsePosition("1-a").id, "a");
});

test("the client and its minified form are the same", async () => {
  assert.deepEqual(Object.keys(await import("../tidewire.min.js")).sort(), Object.keys(client).sort());
});

test("docs/client.md is made from the types", () => {
  assert.equal(readFileSync(new URL("../../../docs/client.md", import.meta.url), "utf8"), reference(), "run node clients/js/reference.mjs");
});
