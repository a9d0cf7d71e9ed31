import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  redirect,
} from '@tanstack/react-router';
import { ProblemError } from '@/api/client';
import type { Session } from '@/api/types';
import { queryClient } from '@/lib/query';
import { holds } from '@/lib/rights';
import type { PageRoute } from '@/lib/route';
import { parseSearch, stringifySearch } from '@/lib/url';
import { commerceRoutes } from '@/modules/commerce/routes';
import { customersRoutes } from '@/modules/customers/routes';
import { identityRoutes } from '@/modules/identity/routes';
import { insightRoutes } from '@/modules/insight/routes';
import { loyaltyRoutes } from '@/modules/loyalty/routes';
import { platformRoutes } from '@/modules/platform/routes';
import { Crash } from './Crash';
import { Missing } from './Missing';
import { homeOf } from './pages';
import { sessionQuery, setupNeeded } from './session';

/**
 * A page whose script is fetched when it is needed. The router loads the whole site anew when a script
 * is missing, which is right after an update; while the server is away it would leave people with
 * nothing, so that case is told apart and the rest of the page stays.
 */
function scripted(load: PageRoute['load']) {
  return lazyRouteComponent(() =>
    load().catch(async (error: unknown) => {
      const there = await fetch('/healthz', { cache: 'no-store' }).then(
        (answer) => answer.ok,
        () => false,
      );
      throw there ? error : new ProblemError(0, {});
    }),
  );
}

const root = createRootRoute({ component: Outlet, notFoundComponent: Missing, errorComponent: Crash });

const signIn = createRoute({
  getParentRoute: () => root,
  path: '/sign-in',
  component: scripted(() => import('./SignInPage')),
});

const setup = createRoute({
  getParentRoute: () => root,
  path: '/setup',
  component: scripted(() => import('./SetupPage')),
});

const join = createRoute({
  getParentRoute: () => root,
  path: '/join',
  component: scripted(() => import('./JoinPage')),
});

const provider = createRoute({
  getParentRoute: () => root,
  path: '/sign-in/provider',
  component: scripted(() => import('./ProviderPage')),
});

const secondFactor = createRoute({
  getParentRoute: () => root,
  path: '/second-factor',
  component: scripted(() => import('./SecondFactorPage')),
});

const loadFrame = () => import('./Frame');

const frame = createRoute({
  getParentRoute: () => root,
  id: 'frame',
  component: scripted(loadFrame),
  beforeLoad: async ({ location }) => {
    let session: Session;
    try {
      session = await queryClient.ensureQueryData(sessionQuery);
    } catch (error) {
      // Only a refusal sends people to the door; a server that does not answer is another matter.
      if (!(error instanceof ProblemError && error.status === 401)) throw error;
      const needed = await setupNeeded()
        .then((answer) => answer.needed)
        .catch(() => false);
      if (needed) throw redirect({ to: '/setup' });
      throw redirect({
        to: '/sign-in',
        search: (location.href === '/' ? {} : { next: location.href }) as never,
      });
    }
    if (session.second_factor_due) throw redirect({ to: '/second-factor' });
    // The workbench is not for everybody; their home is the first page that is.
    const home = homeOf((right) => holds(session.rights, right));
    if (location.pathname === '/' && home !== '/') throw redirect({ to: home, replace: true });
  },
});

/** Pages of the modules: path and what to load; a module names its own. */
const pages = [
  ...insightRoutes,
  ...customersRoutes,
  ...commerceRoutes,
  ...loyaltyRoutes,
  ...identityRoutes,
  ...platformRoutes,
];
const framed = pages
  .filter((page) => !page.path.startsWith('/settings'))
  .map((page) =>
    createRoute({ getParentRoute: () => frame, path: page.path, component: scripted(page.load) }),
  );

const settings = createRoute({
  getParentRoute: () => frame,
  path: '/settings',
  component: scripted(() => import('./SettingsFrame')),
});
const settingPages = pages
  .filter((page) => page.path.startsWith('/settings'))
  .map((page) =>
    createRoute({
      getParentRoute: () => settings,
      path: page.path.slice('/settings'.length) || '/',
      component: scripted(page.load),
    }),
  );

/** Begins to fetch a page while the words are on their way; what fails here is asked for again. */
export function warmUp(pathname: string) {
  const page = pages.find((one) => one.path === pathname);
  if (!page) return;
  void queryClient.prefetchQuery(sessionQuery);
  page.ask?.();
  for (const load of [loadFrame, page.load]) load().catch(() => undefined);
}

/** An address that nobody knows keeps the menu beside it. */
const missing = createRoute({ getParentRoute: () => frame, path: '$', component: Missing });

export const router = createRouter({
  routeTree: root.addChildren([
    signIn,
    setup,
    join,
    provider,
    secondFactor,
    frame.addChildren([...framed, settings.addChildren(settingPages), missing]),
  ]),
  parseSearch,
  stringifySearch,
  defaultPreload: 'intent',
  defaultPendingMs: 300,
  scrollRestoration: true,
  defaultErrorComponent: Crash,
  defaultNotFoundComponent: Missing,
});
