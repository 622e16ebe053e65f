// Sends one GraphQL request; the login travels in a cookie that scripts cannot read.
export async function ask(request, headers = {}) {
  const response = await fetch("/graphql", {
    method: "POST",
    headers: {
      accept: "application/graphql-response+json, application/json",
      "content-type": "application/json",
      ...headers,
    },
    body: JSON.stringify(request),
  });
  return response.json();
}
