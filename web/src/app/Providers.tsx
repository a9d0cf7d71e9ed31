import { QueryClientProvider } from '@tanstack/react-query';
import { App, ConfigProvider } from 'antd';
import { type ReactNode, useEffect, useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { nonce } from '@/lib/nonce';
import { useDark, usePhone } from '@/lib/prefs';
import { queryClient } from '@/lib/query';
import { CardTabs } from '@/ui/cardTabs';
import { CARD_TABS } from './cardTabs';
import { currentAntLocale } from './language';
import { themeOf } from './theme';

export function Providers(props: { children: ReactNode }) {
  const { i18n } = useTranslation();
  const dark = useDark();
  const phone = usePhone();
  const look = useMemo(() => themeOf(dark, phone), [dark, phone]);
  useEffect(() => {
    document.documentElement.dataset.theme = dark ? 'dark' : 'light';
    document.documentElement.style.colorScheme = dark ? 'dark' : 'light';
  }, [dark]);
  return (
    <ConfigProvider
      key={i18n.language}
      locale={currentAntLocale()}
      theme={look}
      csp={{ nonce }}
      button={{ autoInsertSpace: false }}
      form={{ requiredMark: false, scrollToFirstError: true }}
    >
      <QueryClientProvider client={queryClient}>
        <App message={{ maxCount: 3 }}>
          <CardTabs value={CARD_TABS}>{props.children}</CardTabs>
        </App>
      </QueryClientProvider>
    </ConfigProvider>
  );
}
