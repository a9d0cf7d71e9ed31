import { Segmented } from 'antd';
import { useTranslation } from 'react-i18next';
import { chooseLanguage } from '@/lib/language';
import { langStore, type ThemeChoice, themeStore, usePref } from '@/lib/prefs';
import { Labelled } from '@/ui/filters';
import { Facts, Panel } from '@/ui/Page';
import { Loaded } from '@/ui/states';
import { Time } from '@/ui/values';
import { useCurrentSession } from './api';
import { LinksPanel } from './LinksPanel';
import { SecondFactorPanel } from './SecondFactorPanel';
import { PasswordPanel, SessionsPanel } from './SecurityPanels';

export default function AccountPage() {
  const { t } = useTranslation();
  const session = useCurrentSession();
  const [lang] = usePref(langStore);
  const [look, setLook] = usePref(themeStore);
  return (
    <div className="stack">
      <Panel title={t('identity.account.who')}>
        <Loaded query={session} rows={3}>
          {(data) => (
            <Facts
              columns
              items={[
                [t('identity.account.name'), data.user.name],
                [t('identity.account.email'), data.user.email],
                [
                  t('identity.account.role'),
                  t(`identity.role.${data.user.role}`, { defaultValue: data.user.role }),
                ],
                [t('identity.account.org'), data.org.name],
                [t('identity.account.expires'), <Time key="e" at={data.expires_at} />],
              ]}
            />
          )}
        </Loaded>
      </Panel>
      <SecondFactorPanel />
      <LinksPanel />
      <SessionsPanel />
      <PasswordPanel />
      <Panel title={t('identity.account.look')}>
        <div className="stack">
          <Labelled label={t('identity.account.lang')}>
            <Segmented
              aria-label={t('identity.account.lang')}
              value={lang}
              onChange={(value) => void chooseLanguage(value)}
              options={[
                { value: 'zh-CN' as const, label: '\u4e2d\u6587' },
                { value: 'en-US' as const, label: 'English' },
              ]}
            />
          </Labelled>
          <Labelled label={t('identity.account.theme')}>
            <Segmented
              aria-label={t('identity.account.theme')}
              value={look}
              onChange={(value) => setLook(value as ThemeChoice)}
              options={(['system', 'light', 'dark'] as const).map((value) => ({
                value,
                label: t(`identity.account.${value}`),
              }))}
            />
          </Labelled>
        </div>
        <p className="quiet">{t('identity.account.kept')}</p>
      </Panel>
    </div>
  );
}
