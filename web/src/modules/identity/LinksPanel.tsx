import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Button } from 'antd';
import { useTranslation } from 'react-i18next';
import { Panel } from '@/ui/Page';
import { useSay } from '@/ui/say';
import { connectProvider, disconnectProvider, useButtons, useLinks } from './api';

/** Which accounts at providers are one's own; nothing where there are no providers. */
export function LinksPanel() {
  const { t } = useTranslation();
  const say = useSay();
  const client = useQueryClient();
  const buttons = useButtons();
  const links = useLinks();
  const connect = useMutation({
    mutationFn: connectProvider,
    onSuccess: (to) => location.assign(to.url),
    onError: say.refused,
  });
  const end = useMutation({
    mutationFn: disconnectProvider,
    onSuccess: () => client.invalidateQueries({ queryKey: ['links'] }),
    onError: say.refused,
  });
  if (!buttons.data?.length || !links.data) return null;
  return (
    <Panel title={t('identity.links.title')}>
      <p>{t('identity.links.why')}</p>
      <div className="buttons">
        {buttons.data.map((one) =>
          links.data.includes(one.id) ? (
            <Button key={one.id} onClick={() => end.mutate(one.id)}>
              {t('identity.links.disconnect', { name: one.name })}
            </Button>
          ) : (
            <Button key={one.id} loading={connect.isPending} onClick={() => connect.mutate(one.id)}>
              {t('identity.links.connect', { name: one.name })}
            </Button>
          ),
        )}
      </div>
    </Panel>
  );
}
