// Makes google.json.gz: what types.txt asks for of the provider's schema, in the shape of
// `terraform providers schema -json`, read out of the npm package @cdktf/provider-google,
// which is generated from that schema.
//
//   node generate.mjs             writes google.json.gz
//   node generate.mjs --check     fails when google.json.gz holds something else
import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { gunzipSync, gzipSync } from "node:zlib";

const here = new URL(".", import.meta.url).pathname;
const root = `${here}node_modules/@cdktf/provider-google/`;
const registry = "registry.terraform.io/hashicorp/google";

// cty turns the name of a class of values into a type: "stringList" into ["list","string"].
function cty(storage, kind) {
  const primitive = { string: "string", number: "number", boolean: "bool", any: "dynamic" };
  if (primitive[storage]) return primitive[storage];
  const inner = /^(.*)(List|Map|Set)$/.exec(storage);
  if (!inner) throw new Error(`cannot read the type ${storage}`);
  const collection = kind === "set" && inner[2] === "List" ? "set" : inner[2].toLowerCase();
  return [collection, cty(inner[1], "")];
}

// inputs lists what may be written in HCL: the entries of one attrs literal.
const entry = /^ +(\w+): \{\n +value: (.*),\n +isBlock: (true|false),\n +type: "(\w+)",\n +storageClassType: "(\w+)",\n +\}/gm;
const inputs = (text) => [...text.matchAll(entry)].map(([, name, value, block, type, storage]) => ({ name, value, block: block === "true", type, storage }));

// bodies cuts a file at the lines that open a function, a class or an interface.
function bodies(text, pattern) {
  const found = new Map();
  for (const match of text.matchAll(pattern)) {
    const end = text.indexOf("\n}", match.index);
    found.set(match[1], text.slice(match.index, end));
  }
  return found;
}

// told says of each argument of an interface whether it is required, and which values it takes.
function told(body) {
  const all = new Map();
  for (const [, comment, , optional] of body.matchAll(/\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*readonly (\w+)(\??):/g)) {
    const name = /#(\w+) \w+#\w+\}/.exec(comment)?.[1];
    const values = /Possible values: (\[[^\]]*\])/.exec(comment.replace(/\n\s*\*\s*/g, " "))?.[1];
    if (name) all.set(name, { required: optional === "", values });
  }
  return all;
}

// outputs lists what a class gives: the name of each attribute, with its type or the class of its elements.
function outputs(body) {
  const all = new Map();
  const simple = { String: "string", Number: "number", Boolean: "bool", List: ["list", "string"], NumberList: ["list", "number"], StringMap: ["map", "string"], NumberMap: ["map", "number"], BooleanMap: ["map", "bool"], AnyMap: ["map", "dynamic"] };
  for (const [, kind, name] of body.matchAll(/this\.get(\w*?)Attribute\('(\w+)'\)/g)) {
    if (!simple[kind]) throw new Error(`cannot read the type of ${name}: get${kind}Attribute`);
    all.set(name, { type: simple[kind] });
  }
  for (const [, set, name] of body.matchAll(/(Fn\.tolist\()this\.getListAttribute\('(\w+)'\)/g)) all.set(name, { type: ["set", "string"] });
  for (const [, map, name] of body.matchAll(/new cdktf\.(\w+)\(this, "(\w+)"/g)) {
    if (!simple[map]) throw new Error(`cannot read the type of ${name}: ${map}`);
    all.set(name, { type: simple[map] });
  }
  for (const [, list, name, set] of body.matchAll(/new (\w+List)\(this, "(\w+)", (true|false)\)/g)) all.set(name, { element: list.replace(/List$/, ""), set: set === "true" });
  for (const [, one, name] of body.matchAll(/new (\w+)OutputReference\(this, "(\w+)"\)/g)) all.set(name, { element: one });
  return all;
}

// folder reads one resource or data source.
function folder(name) {
  const js = readFileSync(`${root}lib/${name}/index.js`, "utf8");
  if (!asked.has(`resource ${/tfResourceType = "(\w+)"/.exec(js)?.[1]}`) && !name.startsWith("data-")) return undefined;
  const dts = readFileSync(`${root}lib/${name}/index.d.ts`, "utf8");
  const head = /^class (\w+) extends cdktf\.Terraform(Resource|DataSource) /m.exec(js);
  const type = /tfResourceType = "(\w+)"/.exec(js)?.[1];
  if (!head || !type) return undefined;
  const functions = bodies(js, /^function (\w+)ToHclTerraform\(/gm);
  const classes = bodies(js, /^class (\w+) /gm);
  const interfaces = bodies(dts, /^export interface (\w+) /gm);

  const object = (of) => {
    const attributes = {};
    for (const [attribute, out] of outputs(classes.get(`${of}OutputReference`))) attributes[attribute] = out.type ?? ["list", object(out.element)];
    return ["object", attributes];
  };
  const block = (entries, face, body) => {
    const known = told(interfaces.get(face) ?? "");
    const result = { attributes: {}, block_types: {} };
    for (const { name, value, block: nested, type: kind, storage } of entries) {
      const { required, values } = known.get(name) ?? { required: false };
      if (nested) {
        const inner = /(\w+)ToHclTerraform/.exec(value)[1];
        const upper = inner[0].toUpperCase() + inner.slice(1);
        const one = !value.includes("listMapperHcl");
        const mode = kind === "struct" ? "single" : kind;
        result.block_types[name] = { nesting_mode: mode, block: block(inputs(functions.get(inner)), upper, classes.get(`${upper}OutputReference`)) };
        if (mode !== "single" && required) result.block_types[name].min_items = 1;
        if (mode !== "single" && one) result.block_types[name].max_items = 1;
        continue;
      }
      const attribute = (result.attributes[name] = { type: cty(storage, kind) });
      if (required) attribute.required = true;
      else attribute.optional = true;
      if (!required && ["id", "project", "region", "zone"].includes(name)) attribute.computed = true;
      if (name.endsWith("_wo")) attribute.write_only = true;
      if (values) attribute.description = `Possible values: ${values}`;
    }
    for (const [name, out] of outputs(body ?? "")) {
      if (result.attributes[name] || result.block_types[name]) continue;
      result.attributes[name] = { type: out.type ?? [out.set ? "set" : "list", object(out.element)], computed: true };
    }
    if (Object.keys(result.block_types).length === 0) delete result.block_types;
    return result;
  };
  const main = classes.get(head[1]);
  const schema = { version: 0, block: block(inputs(main.slice(main.indexOf("synthesizeHclAttributes"))), `${head[1]}Config`, main) };
  return { kind: head[2] === "Resource" ? "resource" : "data", type, schema };
}

const sorted = (value) =>
  Array.isArray(value) || value === null || typeof value !== "object" ? (Array.isArray(value) ? value.map(sorted) : value)
    : Object.fromEntries(Object.keys(value).sort().map((key) => [key, sorted(value[key])]));

const asked = new Set(readFileSync(`${here}types.txt`, "utf8").split("\n").filter((line) => line && !line.startsWith("#")));
const found = new Set();
const provider = { resource_schemas: {}, data_source_schemas: {} };
for (const name of readdirSync(`${root}lib`)) {
  if (name === "provider" || !existsSync(`${root}lib/${name}/index.d.ts`)) continue;
  const data = `data ${name.slice("data-".length).replaceAll("-", "_")}`;
  if (name.startsWith("data-") && !asked.has(data)) continue;
  const read = folder(name);
  if (!read || !asked.has(`${read.kind} ${read.type}`)) continue;
  found.add(`${read.kind} ${read.type}`);
  provider[read.kind === "resource" ? "resource_schemas" : "data_source_schemas"][read.type] = read.schema;
}
const missing = [...asked].filter((type) => !found.has(type));
if (missing.length > 0) {
  console.error(`not in the package: ${missing.join(", ")}`);
  process.exit(1);
}
const text = JSON.stringify(sorted({ format_version: "1.0", provider_schemas: { [registry]: provider } }), null, 1) + "\n";
const target = `${here}google.json.gz`;
if (!process.argv.includes("--check")) writeFileSync(target, gzipSync(text, { level: 9 }));
else if (gunzipSync(readFileSync(target)).toString() !== text) {
  console.error("google.json.gz is not what the package holds: run node generate.mjs");
  process.exit(1);
} else console.log(`google.json.gz is what the package holds: ${found.size} types`);
