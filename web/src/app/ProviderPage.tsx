import { useMutation } from '@tanstack/react-query';
import { Alert, Button } from 'antd';
import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { ProblemError } from '@/api/client';
import type { Awaited } from '@/api/types';
import { queryClient } from '@/lib/query';
import { useGo } from '@/lib/url';
import { useProblemText, Waiting } from '@/ui/states';
import { CodeStep } from './CodeStep';
import { Gate } from './Gate';
import { comeBack } from './session';

/** Where a provider sends people back to, with a code that works once. */
export default function ProviderPage() {
  const { t, i18n } = useTranslation();
  const go = useGo();
  const text = useProblemText();
  const [awaited, setAwaited] = useState<Awaited>();
  const begun = useRef(false);
  const back = useMutation({
    mutationFn: comeBack,
    onSuccess: (step) => {
      if (!step) return go('/settings', true);
      if ('challenge' in step) return setAwaited(step);
      queryClient.setQueryData(['session'], step);
      go('/', true);
    },
  });
  const { mutate } = back;
  useEffect(() => {
    if (begun.current) return;
    begun.current = true;
    const said = new URLSearchParams(location.search);
    // The code is of no use twice, and not for the history of the browser.
    history.replaceState(history.state, '', location.pathname);
    mutate({ state: said.get('state') ?? '', code: said.get('code') ?? '' });
  }, [mutate]);
  if (awaited) {
    return (
      <CodeStep
        challenge={awaited.challenge}
        onSession={(session) => {
          queryClient.setQueryData(['session'], session);
          go('/', true);
        }}
        onBack={() => go('/sign-in', true)}
      />
    );
  }
  const refused = back.error;
  const key = refused instanceof ProblemError ? `app.provider.${refused.kind}` : '';
  return (
    <Gate title={t(refused ? 'app.provider.refused' : 'app.provider.title')} lead={t('app.provider.lead')}>
      {refused ? (
        <>
          <Alert type="error" showIcon title={i18n.exists(key) ? t(key) : text(refused)} />
          <Button block size="large" onClick={() => go('/sign-in', true)}>
            {t('app.provider.again')}
          </Button>
        </>
      ) : (
        <Waiting rows={2} />
      )}
    </Gate>
  );
}
