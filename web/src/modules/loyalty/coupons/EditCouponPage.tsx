import { useParams } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Page, Panel } from '@/ui/Page';
import { Loaded } from '@/ui/states';
import { useCoupon } from './api';
import { CouponEditor } from './CouponEditor';

/** A kind of coupon is given a new version. */
export default function EditCouponPage() {
  const { t } = useTranslation();
  const { id } = useParams({ strict: false }) as { id: string };
  const query = useCoupon(id);
  const [round, setRound] = useState(0);
  if (!query.data)
    return (
      <Page title={t('loyalty.coupons.edit')}>
        <Panel>
          <Loaded query={query}>{() => null}</Loaded>
        </Panel>
      </Page>
    );
  return (
    <CouponEditor
      key={`${id}-${round}`}
      saved={query.data}
      onReload={() => void query.refetch().then(() => setRound((before) => before + 1))}
    />
  );
}
