import { useTranslation } from 'react-i18next';
import type { TagCount, TagRule } from '@/api/types';
import { useFormat } from '@/lib/format';
import { AppLink } from '@/ui/Link';

/** What puts a tag on, as a sentence, and how far it is. */
export function TagRuleLine(props: { tag: TagCount; rule?: TagRule }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { tag, rule } = props;
  if (!tag.automatic) return <span className="quiet">{t('customers.tags.byHand')}</span>;
  if (!rule) return <>{t('customers.tags.automatic')}</>;
  const { bought } = rule;
  const at = rule.settled_at ? format.time(rule.settled_at) : '';
  return (
    <div>
      {bought ? (
        t(bought.days ? 'customers.tags.boughtLately' : 'customers.tags.bought', {
          products: bought.products
            .map((name) => t('customers.tags.product', { name }))
            .join(t('customers.tags.or')),
          count: bought.orders,
          n: format.int(bought.orders),
          days: bought.days ? format.int(bought.days) : '',
        })
      ) : (
        <AppLink href={`/insight/audiences/${rule.audience}`}>
          {t('customers.tags.follows', { name: rule.audience_name ?? '' })}
        </AppLink>
      )}
      <div className={rule.state === 'still' ? 'bad' : 'quiet'} data-state={rule.state}>
        {t(`customers.tags.state.${rule.state}`, { at })}{' '}
        {rule.obstacle ? <span className="quiet">{rule.obstacle}</span> : null}
      </div>
    </div>
  );
}
