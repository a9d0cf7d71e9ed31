import { useTranslation } from 'react-i18next';
import { useUrl } from '@/lib/url';
import { Page } from '@/ui/Page';
import { PromotionForm } from './PromotionForm';
import { KINDS } from './terms';

/** A promotion that is made; the address may bring its kind. */
export default function NewPromotionPage() {
  const { t } = useTranslation();
  const [url] = useUrl();
  const kind = KINDS.find((one) => one === url.kind) ?? 'amount_off';
  return (
    <Page title={t('loyalty.promotions.new')} note={t('loyalty.promotions.newNote')} narrow>
      <PromotionForm start={{ name: '', kind }} />
    </Page>
  );
}
