import { Outlet, useRouterState } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { AppLink } from '@/ui/Link';
import { Page } from '@/ui/Page';

const TABS = [
  { path: '/settings', name: 'identity.account.title' },
  { path: '/settings/shops', name: 'commerce.shops.title' },
  { path: '/settings/tags', name: 'customers.tags.title' },
  { path: '/settings/tokens', name: 'identity.tokens.title' },
  { path: '/settings/jobs', name: 'platform.jobs.title' },
] as const;

export default function SettingsFrame() {
  const { t } = useTranslation();
  const pathname = useRouterState({ select: (state) => state.location.pathname.replace(/\/$/, '') });
  const current = TABS.find((tab) => tab.path === pathname) ?? TABS[0];
  return (
    <Page title={`${t(current.name)} · ${t('app.nav.settings')}`} heading={t('app.nav.settings')} narrow>
      <nav className="subnav" aria-label={t('app.nav.settings')}>
        {TABS.map((tab) => (
          <AppLink key={tab.path} href={tab.path} className={tab === current ? 'is-active' : undefined}>
            {t(tab.name)}
          </AppLink>
        ))}
      </nav>
      <Outlet />
    </Page>
  );
}
