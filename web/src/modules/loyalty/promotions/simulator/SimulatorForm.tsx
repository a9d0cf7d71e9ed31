import { Alert, Button, DatePicker, Input, InputNumber, Segmented, Select, Switch } from 'antd';
import dayjs, { type Dayjs } from 'dayjs';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { DraftPromotion, SimulationBody } from '@/api/types';
import { minorDigits } from '@/lib/format';
import { queryClient } from '@/lib/query';
import { usePromotions } from '@/modules/loyalty/promotions/api';
import { FilterBar, Labelled } from '@/ui/filters';
import { Panel } from '@/ui/Page';
import { useShops } from '@/ui/shops';
import { useProblemText } from '@/ui/states';
import { askSimulation } from './api';
import { SimulatorShop } from './SimulatorShop';

const KINDS = ['kept', 'amount_off', 'percent_off', 'json'] as const;
type Kind = (typeof KINDS)[number];
/** Days of the period that is offered first. */
const DAYS = 90;

interface Draft {
  kind: Kind;
  /** Which, of those that are kept. */
  promotion?: string;
  threshold: number;
  off: number;
  repeats: boolean;
  /** What is paid, in percent. */
  pays: number;
  json: string;
}

const FIRST: Draft = { kind: 'amount_off', threshold: 200, off: 20, repeats: false, pays: 90, json: '' };

/** The rules of a written draft as the interface takes them; `undefined` for text that is no JSON. */
function rulesOf(draft: Draft, currency: string): Record<string, unknown> | undefined {
  const minor = (major: number) => Math.round(major * 10 ** minorDigits(currency));
  switch (draft.kind) {
    case 'kept':
      return undefined;
    case 'amount_off': {
      const kind = {
        type: 'amount_off',
        threshold_minor: minor(draft.threshold),
        off_minor: minor(draft.off),
      };
      return { terms: { currency, kind: { ...kind, repeat: draft.repeats } } };
    }
    case 'percent_off':
      return { terms: { currency, kind: { type: 'percent_off', pay_bps: Math.round(draft.pays * 100) } } };
    case 'json':
      try {
        const read: unknown = JSON.parse(draft.json);
        return typeof read === 'object' && read !== null ? (read as Record<string, unknown>) : undefined;
      } catch {
        return undefined;
      }
  }
}

/** A draft, a period and a shop; `promotion` is the draft where it is kept already. */
export function SimulatorForm(props: { promotion?: string; onAsked: (id: string) => void }) {
  const { t } = useTranslation();
  const say = useProblemText();
  const shops = useShops();
  const [draft, setDraft] = useState<Draft>(
    props.promotion ? { ...FIRST, kind: 'kept', promotion: props.promotion } : FIRST,
  );
  const [name, setName] = useState('');
  const [days, setDays] = useState<[Dayjs, Dayjs]>([
    dayjs().subtract(DAYS, 'day'),
    dayjs().subtract(1, 'day'),
  ]);
  const [shop, setShop] = useState<string>();
  const [deepest, setDeepest] = useState(50);
  const [cost, setCost] = useState<number | null>(null);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const of = shops.data?.find((one) => one.id === shop) ?? shops.data?.[0];
  const currency = of?.currency ?? 'CNY';
  const rules = rulesOf(draft, currency);
  const put = (some: Partial<Draft>) => setDraft({ ...draft, ...some });
  const w = (key: string) => t(`loyalty.promotions.simulator.${key}`);
  const ask = async () => {
    setBusy(true);
    setError(undefined);
    const title = name.trim() || w(`kind.${draft.kind}`);
    const one =
      draft.kind === 'kept'
        ? { type: 'kept', promotion: draft.promotion }
        : { type: 'written', name: title, rules };
    const body: SimulationBody = {
      name: name.trim(),
      draft: [one as DraftPromotion],
      from: days[0].format('YYYY-MM-DD'),
      to: days[1].format('YYYY-MM-DD'),
      shop,
      deepest_off_bps: Math.round(deepest * 100),
      cost_bps: cost === null ? undefined : Math.round(cost * 100),
    };
    try {
      const asked = await askSimulation(body);
      await queryClient.invalidateQueries({ queryKey: ['simulations', 'list'] });
      props.onAsked(asked.id);
    } catch (refused) {
      setError(refused);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Panel title={w('draft')}>
      <div className="stack">
        <DraftFields draft={draft} currency={currency} onChange={put} />
        <FilterBar>
          <Labelled label={w('period')}>
            <DatePicker.RangePicker
              aria-label={w('period')}
              allowClear={false}
              value={days}
              maxDate={dayjs()}
              onChange={(chosen) => {
                if (chosen?.[0] && chosen[1]) setDays([chosen[0], chosen[1]]);
              }}
            />
          </Labelled>
          <SimulatorShop value={shop} onChange={setShop} />
          <Labelled label={w('deepest')}>
            <InputNumber
              aria-label={w('deepest')}
              min={0}
              max={100}
              suffix="%"
              value={deepest}
              onChange={(value) => setDeepest(value ?? 50)}
            />
          </Labelled>
          <Labelled label={w('cost')}>
            <InputNumber
              aria-label={w('cost')}
              min={0}
              max={100}
              suffix="%"
              placeholder={w('costUnknown')}
              value={cost}
              onChange={setCost}
            />
          </Labelled>
          <Labelled label={w('name')}>
            <Input
              aria-label={w('name')}
              maxLength={60}
              value={name}
              onChange={(event) => setName(event.target.value)}
            />
          </Labelled>
        </FilterBar>
        {error ? <Alert type="error" showIcon role="alert" title={say(error)} /> : null}
        <div>
          <Button
            type="primary"
            loading={busy}
            disabled={draft.kind === 'kept' ? !draft.promotion : !rules}
            onClick={() => void ask()}
          >
            {w('run')}
          </Button>
        </div>
      </div>
    </Panel>
  );
}

function DraftFields(props: { draft: Draft; currency: string; onChange: (some: Partial<Draft>) => void }) {
  const { t } = useTranslation();
  const { draft, onChange } = props;
  const w = (key: string) => t(`loyalty.promotions.simulator.${key}`);
  return (
    <>
      <Segmented
        className="fit"
        aria-label={w('kind.label')}
        value={draft.kind}
        onChange={(kind) => onChange({ kind: kind as Kind })}
        options={KINDS.map((value) => ({ value, label: w(`kind.${value}`) }))}
      />
      {draft.kind === 'kept' ? (
        <KeptPromotion value={draft.promotion} onChange={(promotion) => onChange({ promotion })} />
      ) : draft.kind === 'json' ? (
        <Labelled label={w('json')}>
          <Input.TextArea
            aria-label={w('json')}
            className="mono"
            rows={8}
            spellCheck={false}
            placeholder='{"terms": {"currency": "CNY", "kind": {"type": "buy_n_pay_m", "buy": 3, "pay": 2}}}'
            value={draft.json}
            onChange={(event) => onChange({ json: event.target.value })}
          />
        </Labelled>
      ) : draft.kind === 'percent_off' ? (
        <FilterBar>
          <Labelled label={w('pays')}>
            <InputNumber
              aria-label={w('pays')}
              min={0.01}
              max={99.99}
              suffix="%"
              value={draft.pays}
              onChange={(value) => onChange({ pays: value ?? 90 })}
            />
          </Labelled>
        </FilterBar>
      ) : (
        <FilterBar>
          {(['threshold', 'off'] as const).map((field) => (
            <Labelled key={field} label={w(field)}>
              <InputNumber
                aria-label={w(field)}
                min={field === 'off' ? 0.01 : 0}
                max={1_000_000}
                suffix={props.currency}
                value={draft[field]}
                onChange={(value) => onChange({ [field]: value ?? FIRST[field] })}
              />
            </Labelled>
          ))}
          <Labelled label={w('repeats')}>
            <Switch
              aria-label={w('repeats')}
              checked={draft.repeats}
              onChange={(repeats) => onChange({ repeats })}
            />
          </Labelled>
        </FilterBar>
      )}
    </>
  );
}

/** A promotion that is not live: what it would have done. */
function KeptPromotion(props: { value?: string; onChange: (id: string) => void }) {
  const { t } = useTranslation();
  const drafts = usePromotions('draft');
  const stopped = usePromotions('stopped');
  const label = t('loyalty.promotions.simulator.kind.kept');
  const rows = [drafts, stopped].flatMap((query) => query.data?.pages.flatMap((page) => page.items) ?? []);
  return (
    <FilterBar>
      <Labelled label={label}>
        <Select
          aria-label={label}
          style={{ width: 280, maxWidth: '100%' }}
          loading={drafts.isLoading}
          placeholder={t('loyalty.promotions.simulator.choose')}
          notFoundContent={t('loyalty.promotions.simulator.noDraft')}
          value={props.value}
          onChange={props.onChange}
          options={rows.map((one) => ({ value: one.id, label: one.name }))}
        />
      </Labelled>
    </FilterBar>
  );
}
