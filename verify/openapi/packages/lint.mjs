// Prints what the linter says of a description, a line each: rule, pointer, message.
import { createConfig, lint } from "@redocly/openapi-core";

const config = await createConfig({
  extends: ["recommended"],
  rules: {
    // An example of a part is checked by the schema of that part alone, which does not know what is composed with it.
    "no-invalid-media-type-examples": { severity: "error", allowAdditionalProperties: true },
    "no-unused-components": "error",
  },
});
for (const p of await lint({ ref: process.argv[2], config })) {
  console.log(`${p.ruleId} ${p.location[0].pointer ?? ""}: ${p.message}`);
}
