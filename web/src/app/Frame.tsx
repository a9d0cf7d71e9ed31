import {
  AimOutlined,
  AppstoreOutlined,
  CalendarOutlined,
  CrownOutlined,
  GiftOutlined,
  ImportOutlined,
  MenuFoldOutlined,
  MenuUnfoldOutlined,
  PieChartOutlined,
  QuestionCircleOutlined,
  RetweetOutlined,
  RiseOutlined,
  SearchOutlined,
  SettingOutlined,
  ShoppingOutlined,
  TagsOutlined,
  TeamOutlined,
  UsergroupAddOutlined,
  UserOutlined,
  WalletOutlined,
} from '@ant-design/icons';
import { useQueryClient } from '@tanstack/react-query';
import { Outlet, useRouterState } from '@tanstack/react-router';
import { Button, Dropdown, Tooltip } from 'antd';
import { lazy, type ReactNode, Suspense, useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { onSignedOut } from '@/api/client';
import { useKeys } from '@/lib/keys';
import { chooseLanguage } from '@/lib/language';
import { startLive } from '@/lib/live';
import { langStore, menuStore, type ThemeChoice, themeStore, usePhone, usePref } from '@/lib/prefs';
import { useMay } from '@/lib/rights';
import { useGo } from '@/lib/url';
import { AppLink } from '@/ui/Link';
import { MENU, menuOf } from './pages';
import { signOut, useSession } from './session';
import { WorkUnderWay } from './WorkUnderWay';

const loadPalette = () => import('./Palette');
const Palette = lazy(loadPalette);
const Proof = lazy(() => import('./Proof'));
const Shortcuts = lazy(() => import('./Shortcuts'));

const ICONS: Record<string, ReactNode> = {
  '/': <AppstoreOutlined />,
  '/customers': <TeamOutlined />,
  '/customers/care': <CalendarOutlined />,
  '/orders': <ShoppingOutlined />,
  '/insight/rfm': <PieChartOutlined />,
  '/insight/audiences': <UsergroupAddOutlined />,
  '/insight/value': <RiseOutlined />,
  '/insight/retention': <RetweetOutlined />,
  '/insight/intent': <AimOutlined />,
  '/loyalty/levels': <CrownOutlined />,
  '/loyalty/points': <WalletOutlined />,
  '/loyalty/coupons': <GiftOutlined />,
  '/loyalty/promotions': <TagsOutlined />,
  '/imports': <ImportOutlined />,
  '/settings': <SettingOutlined />,
};

const SEARCH_KEYS = /mac/i.test(navigator.userAgent) ? '⌘K' : 'Ctrl K';

export default function Frame() {
  const { t } = useTranslation();
  const phone = usePhone();
  const bottom = useRef<HTMLElement>(null);
  const go = useGo();
  const client = useQueryClient();
  const session = useSession();
  const pathname = useRouterState({ select: (state) => state.location.pathname });
  const href = useRouterState({ select: (state) => state.location.href });
  const may = useMay();
  const [menu, setMenu] = usePref(menuStore);
  const [lang] = usePref(langStore);
  const [look, setLook] = usePref(themeStore);
  const [searching, setSearching] = useState(false);
  const [helping, setHelping] = useState(false);
  const active = menuOf(pathname);
  const folded = menu === 'folded';
  const pages = MENU.filter((entry) => !entry.right || may(entry.right));

  useEffect(() => startLive(client), [client]);
  // Fetched when the page rests, so that nothing typed after Ctrl K is lost.
  useEffect(() => {
    const timer = setTimeout(() => loadPalette().catch(() => undefined), 1_500);
    return () => clearTimeout(timer);
  }, []);
  useEffect(
    () =>
      onSignedOut(() => {
        client.removeQueries({ queryKey: ['session'] });
        // Several calls may be refused at once; the first has already left this page.
        if (location.pathname === '/sign-in') return;
        go(`/sign-in?expired=1&next=${encodeURIComponent(href)}`, true);
      }),
    [client, go, href],
  );
  // With more pages than fit, the one that is shown is in sight.
  useEffect(() => {
    if (phone && active) {
      bottom.current?.querySelector('.is-active')?.scrollIntoView({ block: 'nearest', inline: 'center' });
    }
  }, [phone, active]);
  useKeys({
    'mod+k': () => setSearching(true),
    '/': () => setSearching(true),
    '?': () => setHelping(true),
    ...Object.fromEntries(pages.map((entry) => [`g ${entry.key}`, () => go(entry.path)])),
  });

  const leave = async () => {
    await signOut().catch(() => undefined);
    client.clear();
    go('/sign-in', true);
  };

  const links = pages.map((entry) => (
    <li key={entry.path}>
      <Tooltip title={folded && !phone ? t(entry.name) : undefined} placement="right">
        {/* The tooltip needs an element that takes its handlers. */}
        <span className="nav-item">
          <AppLink href={entry.path} className={active === entry.path ? 'nav-link is-active' : 'nav-link'}>
            <span className="nav-icon" aria-hidden="true">
              {ICONS[entry.path]}
            </span>
            <span className="nav-name">{t(entry.name)}</span>
          </AppLink>
        </span>
      </Tooltip>
    </li>
  ));

  return (
    <div className={`frame${folded ? ' frame-folded' : ''}`}>
      <a className="skip" href="#main">
        {t('app.nav.skip')}
      </a>
      {phone ? null : (
        <aside className="side">
          <AppLink href="/" className="brand" aria-label={t('ui.product')}>
            <img src="/favicon.svg" alt="" width={24} height={24} />
            <span className="nav-name">{t('ui.product')}</span>
          </AppLink>
          <nav aria-label={t('app.nav.label')}>
            <ul>{links}</ul>
          </nav>
          <Button
            type="text"
            className="side-fold"
            icon={folded ? <MenuUnfoldOutlined /> : <MenuFoldOutlined />}
            aria-label={t(folded ? 'app.nav.unfold' : 'app.nav.fold')}
            onClick={() => setMenu(folded ? 'open' : 'folded')}
          />
        </aside>
      )}
      <header className="top">
        {phone ? (
          <Button
            type="text"
            icon={<SearchOutlined />}
            aria-label={t('app.top.search')}
            onClick={() => setSearching(true)}
          />
        ) : (
          <button type="button" className="top-search" onClick={() => setSearching(true)}>
            <SearchOutlined aria-hidden="true" />
            <span>{t('app.top.search')}</span>
            <kbd>{SEARCH_KEYS}</kbd>
          </button>
        )}
        <div className="top-right">
          <WorkUnderWay />
          <Tooltip title={t('app.top.help')}>
            <Button
              type="text"
              className="wide-only"
              icon={<QuestionCircleOutlined />}
              aria-label={t('app.top.help')}
              onClick={() => setHelping(true)}
            />
          </Tooltip>
          <Dropdown
            trigger={['click']}
            placement="bottomRight"
            menu={{
              selectable: true,
              selectedKeys: [`lang:${lang}`, `theme:${look}`],
              items: [
                {
                  type: 'group',
                  label: session.data?.user.email,
                  children: [{ key: 'go:/settings', label: t('app.nav.settings') }],
                },
                {
                  type: 'group',
                  label: t('app.top.lang'),
                  children: [
                    { key: 'lang:zh-CN', label: '\u4e2d\u6587' },
                    { key: 'lang:en-US', label: 'English' },
                  ],
                },
                {
                  type: 'group',
                  label: t('app.top.theme'),
                  children: (['system', 'light', 'dark'] as const).map((choice) => ({
                    key: `theme:${choice}`,
                    label: t(`app.top.${choice}`),
                  })),
                },
                { type: 'divider' },
                { key: 'out', label: t('app.top.signOut') },
              ],
              onClick: ({ key }) => {
                if (key === 'out') void leave();
                else if (key.startsWith('lang:')) void chooseLanguage(key.slice(5) as 'zh-CN' | 'en-US');
                else if (key.startsWith('theme:')) setLook(key.slice(6) as ThemeChoice);
                else go(key.slice(3));
              },
            }}
          >
            <Button
              type="text"
              icon={<UserOutlined />}
              aria-label={`${t('app.top.account')} ${session.data?.user.name ?? ''}`}
            >
              <span className="wide-only">{session.data?.user.name}</span>
            </Button>
          </Dropdown>
        </div>
      </header>
      <main id="main" className="main" tabIndex={-1}>
        <Outlet />
      </main>
      {phone ? (
        <nav className="bottom" ref={bottom} aria-label={t('app.nav.label')}>
          <ul>{links}</ul>
        </nav>
      ) : null}
      <Suspense>
        <Proof />
      </Suspense>
      <Suspense>
        {searching ? <Palette onClose={() => setSearching(false)} /> : null}
        {helping ? <Shortcuts onClose={() => setHelping(false)} /> : null}
      </Suspense>
    </div>
  );
}
