import { SearchOutlined } from '@ant-design/icons';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { Input, Modal } from 'antd';
import { type ReactNode, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { client, take } from '@/api/client';
import type { SearchResults } from '@/api/types';
import { useMay } from '@/lib/rights';
import { useGo } from '@/lib/url';
import { OrderStateMark, TierMark } from '@/ui/marks';
import { useClocks } from '@/ui/shops';
import { Day, Money } from '@/ui/values';
import { MENU, MORE_PAGES } from './pages';

interface Hit {
  href: string;
  group: string;
  main: ReactNode;
  side?: ReactNode;
}

/** One search for everything; arrows, Enter and Escape. */
export default function Palette(props: { onClose: () => void }) {
  const { t } = useTranslation();
  const go = useGo();
  const clocks = useClocks();
  const may = useMay();
  const [text, setText] = useState('');
  const [asked, setAsked] = useState('');
  const [at, setAt] = useState(0);
  useEffect(() => {
    const timer = setTimeout(() => setAsked(text.trim()), 150);
    return () => clearTimeout(timer);
  }, [text]);
  const query = useQuery({
    queryKey: ['search', asked],
    enabled: asked.length > 0 && may('customers.read'),
    placeholderData: keepPreviousData,
    queryFn: () => take<SearchResults>(client.GET('/api/v1/search', { params: { query: { q: asked } } })),
  });

  const wanted = text.trim().toLowerCase();
  const found = asked ? query.data : undefined;
  const hits: Hit[] = [
    ...(found?.customers ?? []).map((one) => ({
      href: `/customers/${one.id}`,
      group: t('app.palette.customers'),
      main: (
        <>
          <strong>{one.name}</strong> <span className="quiet">{one.accounts[0]?.value ?? one.phone}</span>
        </>
      ),
      side: one.tier ? <TierMark tier={one.tier} /> : undefined,
    })),
    ...(found?.orders ?? []).map((one) => ({
      href: `/orders/${one.id}`,
      group: t('app.palette.orders'),
      main: (
        <>
          <span className="figure">{one.external_no}</span>{' '}
          <span className="quiet">{one.customer?.name}</span>
        </>
      ),
      side: (
        <>
          {one.paid_minor == null ? null : <Money minor={one.paid_minor} currency={one.currency} />}{' '}
          <Day at={one.ordered_at} offset={clocks(one.shop.id)} /> <OrderStateMark state={one.state} />
        </>
      ),
    })),
    ...[...MENU, ...MORE_PAGES]
      .filter((page) => !page.right || may(page.right))
      .filter((page) => !wanted || t(page.name).toLowerCase().includes(wanted))
      .map((page) => ({ href: page.path, group: t('app.palette.pages'), main: t(page.name) })),
  ];
  const chosen = Math.min(at, hits.length - 1);
  const openHit = (hit: Hit | undefined) => {
    if (!hit) return;
    props.onClose();
    go(hit.href);
  };

  return (
    <Modal
      open
      onCancel={props.onClose}
      footer={null}
      closable={false}
      title={<span className="sr-only">{t('app.palette.title')}</span>}
      width={640}
      className="palette"
      style={{ top: 64 }}
      aria-label={t('app.palette.title')}
      destroyOnHidden
    >
      <Input
        size="large"
        autoFocus
        variant="borderless"
        prefix={<SearchOutlined />}
        placeholder={t('app.palette.hint')}
        role="combobox"
        aria-expanded="true"
        aria-label={t('app.palette.hint')}
        aria-controls="palette-hits"
        aria-activedescendant={hits.length ? `palette-${chosen}` : undefined}
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          setAt(0);
        }}
        onKeyDown={(event) => {
          if (event.nativeEvent.isComposing) return;
          if (event.key === 'ArrowDown') setAt(Math.min(hits.length - 1, chosen + 1));
          else if (event.key === 'ArrowUp') setAt(Math.max(0, chosen - 1));
          else if (event.key === 'Enter') openHit(hits[chosen]);
          else return;
          event.preventDefault();
        }}
      />
      <div id="palette-hits" role="listbox" aria-label={t('app.palette.title')} className="palette-hits">
        {hits.map((hit, index) => (
          <div key={hit.href}>
            {hit.group !== hits[index - 1]?.group ? (
              <div className="palette-group" role="presentation">
                {hit.group}
              </div>
            ) : null}
            {/* biome-ignore lint/a11y/useKeyWithClickEvents: the field above takes the keys */}
            <div
              id={`palette-${index}`}
              role="option"
              tabIndex={-1}
              aria-selected={index === chosen}
              className={index === chosen ? 'palette-hit is-current' : 'palette-hit'}
              onMouseMove={() => setAt(index)}
              onClick={() => openHit(hit)}
            >
              <span className="palette-main">{hit.main}</span>
              <span className="palette-side">{hit.side}</span>
            </div>
          </div>
        ))}
      </div>
      {asked && found && found.customers.length + found.orders.length === 0 ? (
        <p className="palette-none">
          {t('app.palette.none', { q: asked })} <span className="quiet">{t('app.palette.noneText')}</span>
        </p>
      ) : null}
      <div className="palette-keys">{t('app.palette.keys')}</div>
    </Modal>
  );
}
