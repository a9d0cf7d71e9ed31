import { App } from 'antd';
import { useEffect, useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { knownOf, type Rules, unknownIn } from '@/lib/known';
import { useUrl } from '@/lib/url';

/** The URL without filters that mean nothing; they are taken out of the address, and that is said. */
export function useKnownUrl(rules: Rules): ReturnType<typeof useUrl> {
  const { t } = useTranslation();
  const { message } = App.useApp();
  const [url, setUrl] = useUrl();
  const unknown = unknownIn(url, rules).join();
  // biome-ignore lint/correctness/useExhaustiveDependencies: once for what is newly unknown
  useEffect(() => {
    if (!unknown) return;
    const names = unknown.split(',');
    message.warning({
      key: `unknown-${unknown}`,
      duration: 8,
      content: t('ui.unknownFilters', {
        count: names.length,
        names: names.map((name) => `${name}=${url[name]?.slice(0, 40)}`).join(t('ui.comma')),
      }),
    });
    setUrl(Object.fromEntries(names.map((name) => [name, undefined])));
  }, [unknown]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: rules change nothing but what is unknown
  const known = useMemo(() => knownOf(url, rules), [url, unknown]);
  return [known, setUrl];
}
