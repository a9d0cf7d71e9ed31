import { Outlet, useRouterState } from '@tanstack/react-router';
import { useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { useMay, useSees } from '@/lib/rights';
import { AppLink } from '@/ui/Link';
import { Page } from '@/ui/Page';

const TABS = [
  { path: '/settings', name: 'identity.account.title' },
  { path: '/settings/people', name: 'identity.people.title', right: 'identity.people' },
  { path: '/settings/shops', name: 'commerce.shops.title', right: 'commerce.read' },
  { path: '/settings/tags', name: 'customers.tags.title', right: 'customers.read' },
  { path: '/settings/consent-texts', name: 'customers.consentTexts.title', right: 'customers.consent_read' },
  { path: '/settings/requests', name: 'customers.requests.title', right: 'customers.requests' },
  {
    path: '/settings/exports',
    name: 'customers.exports.title',
    right: ['customers.export', 'customers.export_approve'],
  },
  { path: '/settings/tokens', name: 'identity.tokens.title' },
  { path: '/settings/webhooks', name: 'platform.webhooks.title', right: 'platform.webhooks' },
  { path: '/settings/jobs', name: 'platform.jobs.title', right: 'platform.jobs' },
  { path: '/settings/audit', name: 'platform.audit.title', right: 'platform.audit' },
  { path: '/settings/retention', name: 'platform.retention.title', right: 'platform.retention' },
  { path: '/settings/backups', name: 'platform.backups.title', right: 'platform.backups' },
] as const;

export default function SettingsFrame() {
  const { t } = useTranslation();
  const pathname = useRouterState({ select: (state) => state.location.pathname.replace(/\/$/, '') });
  const may = useMay();
  const sees = useSees();
  const tabs = TABS.filter(
    (tab) =>
      (!('right' in tab) || [tab.right].flat().some((right) => may(right))) &&
      (tab.path !== '/settings/tags' || sees.any('customers.tags')),
  );
  const current =
    TABS.find((tab) => tab.path === pathname) ??
    TABS.slice(1).find((tab) => pathname.startsWith(`${tab.path}/`)) ??
    TABS[0];
  const nav = useRef<HTMLElement>(null);
  // On a narrow screen the row of tabs is longer than it is wide.
  useEffect(() => {
    const active = nav.current?.querySelector(`[href="${current.path}"]`);
    active?.scrollIntoView({ block: 'nearest', inline: 'center' });
  }, [current]);
  return (
    <Page title={`${t(current.name)} · ${t('app.nav.settings')}`} heading={t('app.nav.settings')} narrow>
      <nav ref={nav} className="subnav" aria-label={t('app.nav.settings')}>
        {tabs.map((tab) => (
          <AppLink key={tab.path} href={tab.path} className={tab === current ? 'is-active' : undefined}>
            {t(tab.name)}
          </AppLink>
        ))}
      </nav>
      <Outlet />
    </Page>
  );
}
