import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Switch } from 'antd';
import { useTranslation } from 'react-i18next';
import { Panel } from '@/ui/Page';
import { useSay } from '@/ui/say';
import { putCustomerSettings, useCustomerSettings } from './api';

/** Whether the program merges by itself. Only the owner may ask; to others nothing is shown. */
export function MergeSwitch() {
  const { t } = useTranslation();
  const say = useSay();
  const client = useQueryClient();
  const settings = useCustomerSettings();
  const change = useMutation({
    mutationFn: (on: boolean) => putCustomerSettings({ merge_by_itself: on }),
    onSuccess: async (now) => {
      client.setQueryData(['customer-settings'], now);
      say.done(t(now.merge_by_itself ? 'customers.merge.switchedOn' : 'customers.merge.switchedOff'));
      await Promise.all(
        ['suggestions', 'customers', 'jobs'].map((key) => client.invalidateQueries({ queryKey: [key] })),
      );
    },
    onError: say.refused,
  });
  if (!settings.data) return null;
  return (
    <Panel>
      <div className="stack">
        <span>
          <Switch
            id="merge-by-itself"
            aria-describedby="merge-by-itself-text"
            checked={settings.data.merge_by_itself}
            loading={change.isPending}
            onChange={(on) => change.mutate(on)}
          />{' '}
          <label htmlFor="merge-by-itself">{t('customers.merge.switch')}</label>
        </span>
        <p id="merge-by-itself-text" className="quiet">
          {t('customers.merge.switchText')}
        </p>
      </div>
    </Panel>
  );
}
