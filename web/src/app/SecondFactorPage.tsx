import { Button } from 'antd';
import { useTranslation } from 'react-i18next';
import { queryClient } from '@/lib/query';
import { useGo } from '@/lib/url';
import { SecondFactorSetUp } from '@/modules/identity/SecondFactorPanel';
import { Gate } from './Gate';
import { signOut } from './session';

/** What is shown to somebody who must set up a second factor before anything else. */
export default function SecondFactorPage() {
  const { t } = useTranslation();
  const go = useGo();
  const leave = async () => {
    await signOut().catch(() => undefined);
    queryClient.clear();
    go('/sign-in', true);
  };
  return (
    <Gate title={t('app.factor.title')} lead={t('app.factor.lead')}>
      <SecondFactorSetUp
        onReady={() => {
          queryClient.removeQueries({ queryKey: ['session'] });
          go('/', true);
        }}
      />
      <Button type="link" onClick={() => void leave()}>
        {t('app.top.signOut')}
      </Button>
    </Gate>
  );
}
