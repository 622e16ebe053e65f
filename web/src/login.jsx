// The bar above GraphiQL: logs in and out, and shows who is logged in.
import { useEffect, useState } from "react";
import { ask } from "./ask.js";

const VIEWER = "{ viewer { login name right } }";
const LOGIN = "mutation ($input: LoginInput!) { login(input: $input) { problems { message } } }";
const LOGOUT = "mutation { logout { problems { message } } }";

async function readViewer() {
  const { data } = await ask({ query: VIEWER });
  return data?.viewer ?? null;
}

export function LoginBar({ viewer, setViewer }) {
  const [refusal, setRefusal] = useState("");

  useEffect(() => {
    readViewer().then(setViewer);
  }, []);

  async function logIn(event) {
    event.preventDefault();
    const form = new FormData(event.target);
    const input = { login: form.get("login"), password: form.get("password"), cookie: true };
    const { data, errors } = await ask({ query: LOGIN, variables: { input } });
    const refused = errors ?? data.login.problems;
    setRefusal(refused.map((each) => each.message).join(" "));
    if (!refused.length) setViewer(await readViewer());
  }

  async function logOut() {
    await ask({ query: LOGOUT });
    setViewer(null);
  }

  return (
    <header className="login-bar">
      <strong>samverkan</strong>
      {viewer === null && (
        <form onSubmit={logIn}>
          <input name="login" placeholder="login" aria-label="login" autoComplete="username" required />
          <input
            name="password" type="password" placeholder="password" aria-label="password"
            autoComplete="current-password" required
          />
          <button>Log in</button>
          <output role="alert">{refusal || "Not logged in: log in to ask and to see the documentation."}</output>
        </form>
      )}
      {viewer && (
        <div>
          <span>{viewer.name} ({viewer.login}, {viewer.right.toLowerCase()})</span>
          <button onClick={logOut}>Log out</button>
        </div>
      )}
    </header>
  );
}
