// Lists the API's operations as openapi.json describes them.

function line(name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}

function describe(method, path, { description, parameters = [], requestBody, responses }) {
  const made = document.createElement("article");
  made.append(line("h2", `${method.toUpperCase()} ${path}`), line("p", description));
  for (const { name, schema, description: meaning } of parameters) {
    const range = "minimum" in schema ? ` from ${schema.minimum} to ${schema.maximum}` : "";
    const values = (schema.enum ?? [schema.type]).join(", ") + range;
    const usual = "default" in schema ? `; default ${schema.default}` : "";
    made.append(line("p", `?${name}= ${values}${usual}${meaning ? `. ${meaning}` : ""}`));
  }
  if (requestBody) made.append(line("p", `Takes ${Object.keys(requestBody.content).join(", ")}`));
  for (const [status, response] of Object.entries(responses)) {
    const kinds = Object.keys(response.content ?? {}).join(", ");
    made.append(line("p", `${status} ${response.description} ${kinds && `(${kinds})`}`));
  }
  return made;
}

const base = new URL(".", location.href).href.replace(/\/$/, "");  // a proxy may add a path

for (const place of document.querySelectorAll(".origin")) place.textContent = base;
const { paths } = await (await fetch("openapi.json")).json();
for (const [path, methods] of Object.entries(paths)) {
  for (const [method, operation] of Object.entries(methods)) {
    document.getElementById("operations").append(describe(method, path, operation));
  }
}
