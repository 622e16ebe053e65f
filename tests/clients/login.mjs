/** Logging in: the token goes into the header `authorization` of every later request. */

const LOGIN = `mutation LogIn($input: LoginInput!) {
  login(input: $input) { token expiresAt problems { code message } }
}`;

export async function logIn(url, login, password) {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ query: LOGIN, variables: { input: { login, password } } }),
  });
  const { token, problems } = (await response.json()).data.login;
  if (!token) throw new Error(problems.map((problem) => problem.message).join(" "));
  return token;
}
