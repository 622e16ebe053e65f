// GraphiQL with its own workers and the example queries of the main job in its tabs.
import { GraphiQL } from "graphiql";
import "graphiql/style.css";
import { getOperationAST, parse } from "graphql";
import { useState } from "react";
import { createRoot } from "react-dom/client";
import { ask, follow } from "./ask.js";
import { LoginBar } from "./login.jsx";
import "./page.css";

const WORKERS = { graphql: "graphql.worker.js", json: "json.worker.js" };

globalThis.MonacoEnvironment = {
  getWorker: (_id, label) => new Worker(new URL(WORKERS[label] ?? "editor.worker.js", import.meta.url)),
};

function fetcher(request, options) {
  const document = options?.documentAST ?? parsed(request.query); // who is quick asks before the editor has parsed it
  const operation = document && getOperationAST(document, request.operationName);
  return operation?.operation === "subscription" ? follow(request, options.headers) : ask(request, options?.headers);
}

function parsed(query) {
  try {
    return parse(query);
  } catch {
    return undefined; // the server says what is wrong with it
  }
}

function Page() {
  const [viewer, setViewer] = useState(undefined); // undefined: not known yet; null: nobody
  return (
    <>
      <LoginBar viewer={viewer} setViewer={setViewer} />
      <GraphiQL
        key={viewer?.login} // whoever comes next reads the schema anew; nobody may not
        schema={viewer ? undefined : null}
        fetcher={fetcher} defaultTabs={EXAMPLES} defaultEditorToolsVisibility="variables"
      />
    </>
  );
}

createRoot(document.getElementById("page")).render(<Page />);
