import { useEffect, useState, useSyncExternalStore } from "react";
import { Button } from "react-aria-components";
import { get } from "./api.ts";
import { MeContext } from "./me.ts";
import type { Me } from "./me.ts";
import { FailuresPage } from "./pages/failures.tsx";
import { FailurePage } from "./pages/failure.tsx";
import { FindPage } from "./pages/find.tsx";
import { FlowsPage } from "./pages/flows.tsx";
import { JourneyPage } from "./pages/journey.tsx";
import { OverviewPage } from "./pages/overview.tsx";
import { SimulationPage } from "./pages/simulation.tsx";
import { TargetsPage } from "./pages/targets.tsx";
import { VerificationPage } from "./pages/verification.tsx";
import { hrefTo, useRoute } from "./route.ts";
import type { Route } from "./route.ts";
import { settings } from "./settings.ts";
import { beginSignIn, isSignedIn, onSignInChange, signOut } from "./sign-in.ts";
import { currentTheme, switchTheme } from "./theme.ts";
import { useAnswer } from "./use-answer.ts";

const pages = [
  { name: "overview", title: "Overview" },
  { name: "find", title: "Find" },
  { name: "failures", title: "Failures" },
  { name: "targets", title: "Targets" },
  { name: "flows", title: "Flows" },
] as const;

export function App({ problem }: { readonly problem: string | undefined }) {
  const signedIn = useSyncExternalStore(onSignInChange, isSignedIn);
  const [wasSignedIn, setWasSignedIn] = useState(signedIn);
  useEffect(() => {
    if (signedIn) setWasSignedIn(true);
  }, [signedIn]);
  if (settings().signIn === null) return <NotSetUp />;
  if (!signedIn && !wasSignedIn) return <Welcome problem={problem} />;
  return <Signed>{!signedIn && <SignedOut />}</Signed>;
}

/** The page stays as it is under an ended sign-in, with everything that was typed. */
function Signed({ children }: { readonly children: React.ReactNode }) {
  const route = useRoute();
  const me = useAnswer("me", () => get<Me>("me"));
  const title = pages.find(({ name }) => name === route.page)?.title ?? "Causeway";
  useEffect(() => {
    document.title = `${title} · Causeway`;
  }, [title]);
  return (
    <MeContext value={me.value}>
      <a className="skip" href="#main" onClick={focusMain}>
        Skip to the page
      </a>
      <Bar route={route} me={me.value} />
      {children}
      <main id="main" tabIndex={-1}>
        {me.error?.code === "ROLE_MISSING" ? (
          <section className="notice bad" role="alert">
            <b>You have no role here.</b> {me.error.fix}
          </section>
        ) : (
          <Page route={route} />
        )}
      </main>
    </MeContext>
  );
}

function focusMain(event: React.MouseEvent): void {
  // The address names the page; the way to its content must not change it.
  event.preventDefault();
  document.getElementById("main")?.focus();
}

function Bar({ route, me }: { readonly route: Route; readonly me: Me | undefined }) {
  const section =
    { journey: "find", failure: "failures", verification: "overview" }[route.page] ?? route.page;
  const shown = [
    ...pages,
    ...(settings().simulation === null ? [] : [{ name: "simulation", title: "Try it" }]),
  ];
  return (
    <header className="bar">
      <a className="brand" href={hrefTo("overview")}>
        Causeway
      </a>
      <nav aria-label="Pages">
        {shown.map(({ name, title }) => (
          <a key={name} href={hrefTo(name)} aria-current={section === name ? "page" : undefined}>
            {title}
          </a>
        ))}
      </nav>
      <ThemeButton />
      {me !== undefined && (
        <span className="me" data-testid="me">
          {me.name} · <b>{me.roles.at(-1) ?? "no role"}</b>
        </span>
      )}
      <Button className="quiet" onPress={signOut}>
        Sign out
      </Button>
    </header>
  );
}

function ThemeButton() {
  const [theme, setTheme] = useState(currentTheme);
  return (
    <Button
      className="quiet"
      onPress={() => {
        switchTheme();
        setTheme(currentTheme());
      }}
    >
      {theme === "dark" ? "Light" : "Dark"}
    </Button>
  );
}

function Page({ route }: { readonly route: Route }) {
  const [first = "", second = ""] = route.rest;
  switch (route.page) {
    case "overview":
      return <OverviewPage />;
    case "find":
      return <FindPage />;
    case "journey":
      return <JourneyPage eventId={first} time={route.query.get("time") ?? ""} />;
    case "failures":
      return <FailuresPage group={route.query.get("group") ?? ""} />;
    case "failure":
      return <FailurePage target={first} failureId={second} />;
    case "targets":
      return <TargetsPage />;
    case "flows":
      return <FlowsPage />;
    case "verification":
      return <VerificationPage id={first} />;
    case "simulation":
      return <SimulationPage />;
    default:
      return (
        <section className="notice">
          There is no page of this name. <a href={hrefTo("overview")}>Go to the overview</a>
        </section>
      );
  }
}

function Welcome({ problem }: { readonly problem: string | undefined }) {
  return (
    <main className="welcome">
      <h1>Causeway</h1>
      <p>Where every invoice is, and what needs a person.</p>
      {problem !== undefined && (
        <p className="notice bad" role="alert">
          {problem}
        </p>
      )}
      <Button className="primary" onPress={() => void beginSignIn()} autoFocus>
        Sign in
      </Button>
    </main>
  );
}

function SignedOut() {
  return (
    <section className="notice warn sticky" role="alert" data-testid="signed-out">
      <span>
        <b>Your sign-in has ended.</b> What you typed is kept.
      </span>
      <Button className="primary" onPress={() => void beginSignIn()}>
        Sign in again
      </Button>
    </section>
  );
}

function NotSetUp() {
  return (
    <main className="welcome">
      <h1>Causeway</h1>
      <p>
        This stack has no sign-in for the console yet. Set <code>causeway:operator</code> and{" "}
        <code>causeway:console</code> as docs/console.md describes, and deploy.
      </p>
    </main>
  );
}
