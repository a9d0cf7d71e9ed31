/** The pages of the menu, in the order of the working day, with the right that each is for. */
export const MENU = [
  { path: '/', name: 'app.nav.workbench', key: 'w', right: 'insight.read' },
  { path: '/customers', name: 'app.nav.customers', key: 'c', right: 'customers.read' },
  { path: '/orders', name: 'app.nav.orders', key: 'o', right: 'commerce.read' },
  { path: '/insight/rfm', name: 'app.nav.rfm', key: 'r', right: 'insight.read' },
  { path: '/imports', name: 'app.nav.imports', key: 'i', right: 'commerce.import' },
  { path: '/settings', name: 'app.nav.settings', key: 's', right: undefined },
] as const;

/** More pages that the search finds. */
export const MORE_PAGES = [
  { path: '/customers/suggestions', name: 'app.nav.suggestions' },
  { path: '/imports/new', name: 'commerce.imports.new' },
  { path: '/settings/people', name: 'identity.people.title' },
  { path: '/settings/tokens', name: 'identity.tokens.title' },
  { path: '/settings/tags', name: 'customers.tags.title' },
  { path: '/settings/consent-texts', name: 'customers.consentTexts.title' },
  { path: '/settings/shops', name: 'commerce.shops.title' },
  { path: '/settings/jobs', name: 'platform.jobs.title' },
  { path: '/settings/audit', name: 'platform.audit.title' },
  { path: '/settings/backups', name: 'platform.backups.title' },
] as const;

/** The menu entry of a path: the longest that begins it, if any. */
export function menuOf(pathname: string): string {
  let best = pathname === '/' ? '/' : '';
  for (const { path } of MENU) {
    if ((pathname === path || pathname.startsWith(`${path}/`)) && path.length > best.length) best = path;
  }
  return best;
}
