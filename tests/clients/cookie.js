/** A page of the API's own origin: the login is in a cookie that scripts cannot read, and is sent by itself. */

async function ask(query, variables) {
  const response = await fetch("/graphql", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ query, variables }),
  });
  return response.json();
}

/** By the GraphQL multipart request specification; the header shows that no form of another site sent it. */
async function upload(query, variables, file) {
  const body = new FormData();
  body.append("operations", JSON.stringify({ query, variables }));
  body.append("map", JSON.stringify({ 0: ["variables.input.file"] }));
  body.append("0", file);
  const headers = { "x-samverkan-request": "1" };
  return (await fetch("/graphql", { method: "POST", headers, body })).json();
}

const LOGIN = "mutation ($input: LoginInput!) { login(input: $input) { token problems { message } } }";
const PUBLISHED = "{ viewer { name } packages(first: 1, filter: { status: [PUBLISHED] }) { nodes { id } } }";
const UPLOAD = `mutation ($input: UploadDocumentInput!) {
  uploadDocument(input: $input) { document { name } problems { code message path } }
}`;

async function tryOut(login, password) {
  const granted = await ask(LOGIN, { input: { login, password, cookie: true } });
  const { viewer, packages } = (await ask(PUBLISHED)).data;
  const file = new File(["how the windows look"], "windows.txt", { type: "text/plain" });
  const uploaded = await upload(UPLOAD, { input: { packageId: packages.nodes[0].id, file: null } }, file);
  return {
    token: granted.data.login.token,
    viewer: viewer.name,
    document: uploaded.data.uploadDocument.document.name,
    script: document.cookie,
  };
}
