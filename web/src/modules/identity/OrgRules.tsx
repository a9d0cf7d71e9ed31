import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Switch } from 'antd';
import { useTranslation } from 'react-i18next';
import { Panel } from '@/ui/Page';
import { useSay } from '@/ui/say';
import { Loaded } from '@/ui/states';
import { putIdentitySettings, useIdentitySettings } from './api';

/** What the organisation asks of its people when they sign in. */
export function OrgRules() {
  const { t } = useTranslation();
  const say = useSay();
  const client = useQueryClient();
  const query = useIdentitySettings();
  const put = useMutation({
    mutationFn: putIdentitySettings,
    onSuccess: async (settings) => {
      client.setQueryData(['identity-settings'], settings);
      say.done(t('identity.people.saved'));
      // Who switches it on and has none is the first to be asked.
      await client.invalidateQueries({ queryKey: ['session'] });
    },
    onError: say.refused,
  });
  return (
    <Panel title={t('identity.rules.title')}>
      <Loaded query={query} rows={1}>
        {(settings) => (
          <div className="switch-line">
            <Switch
              checked={settings.second_factor_required}
              loading={put.isPending}
              aria-label={t('identity.rules.factor')}
              onChange={(on) => put.mutate({ ...settings, second_factor_required: on })}
            />{' '}
            {t('identity.rules.factor')}
          </div>
        )}
      </Loaded>
      <p className="quiet">{t('identity.rules.factorNote')}</p>
    </Panel>
  );
}
