import { Button, Tag } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { ConsentEntry, ConsentState, CustomerCard, CustomerConsents } from '@/api/types';
import { useMay } from '@/lib/rights';
import { ScrollX } from '@/ui/ScrollX';
import { EmptyState, Loaded } from '@/ui/states';
import { Nothing, Time } from '@/ui/values';
import { Who } from '@/ui/Who';
import { ConsentForm } from './ConsentForm';
import { CHANNELS, PURPOSES, stateOf, useConsents, useConsentTexts } from './consents';

const COLOUR: Record<string, string | undefined> = { granted: 'green', refused: 'red', expired: 'gold' };

/** What a customer allows, by way and purpose, and how that came. */
export function ConsentsTab(props: { card: CustomerCard }) {
  const { t } = useTranslation();
  const may = useMay();
  const query = useConsents(props.card.id);
  const [adding, setAdding] = useState(false);
  return (
    <Loaded query={query}>
      {(told) => (
        <div className="stack">
          <States told={told} />
          {may('customers.consent_write') && !adding ? (
            <div className="buttons">
              <Button type="primary" onClick={() => setAdding(true)}>
                {t('customers.consent.add')}
              </Button>
            </div>
          ) : null}
          {adding ? <ConsentForm customer={props.card.id} onClose={() => setAdding(false)} /> : null}
          <h3>{t('customers.consent.history')}</h3>
          {told.entries.length ? (
            <History entries={told.entries} />
          ) : (
            <EmptyState small title={t('customers.consent.none')} text={t('customers.consent.noneText')} />
          )}
        </div>
      )}
    </Loaded>
  );
}

function State(props: { state?: ConsentState }) {
  const { t } = useTranslation();
  const { state } = props;
  if (!state) return <Nothing />;
  if (state.standing === 'unasked' && !state.may) return <Nothing />;
  return (
    <Tag color={COLOUR[state.standing]} className="mark">
      {t(
        state.standing === 'unasked'
          ? 'customers.consent.byDefault'
          : `customers.consent.standing.${state.standing}`,
      )}
    </Tag>
  );
}

function States(props: { told: CustomerConsents }) {
  const { t } = useTranslation();
  return (
    <ScrollX label={t('customers.consent.title')}>
      <table className="plain">
        <thead>
          <tr>
            <th scope="col">{t('customers.consent.purpose')}</th>
            {CHANNELS.map((channel) => (
              <th key={channel} scope="col">
                {t(`customers.consent.channels.${channel}`)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {PURPOSES.map((purpose) => (
            <tr key={purpose}>
              <th scope="row">{t(`customers.consent.purposes.${purpose}`)}</th>
              {CHANNELS.map((channel) => (
                <td key={channel}>
                  <State state={stateOf(props.told.states, channel, purpose)} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </ScrollX>
  );
}

function History(props: { entries: ConsentEntry[] }) {
  const { t } = useTranslation();
  const texts = useConsentTexts(props.entries.some((entry) => entry.text));
  const nameOf = (id?: string | null) => {
    const text = texts.data?.find((one) => one.id === id);
    return text ? t('customers.consent.textVersion', { name: text.name, n: text.version }) : null;
  };
  return (
    <ul className="notes">
      {props.entries.map((entry) => (
        <li key={entry.id}>
          <p className="note-text">
            <Tag color={entry.granted ? 'green' : 'red'} className="mark">
              {t(`customers.consent.standing.${entry.granted ? 'granted' : 'refused'}`)}
            </Tag>
            {t(`customers.consent.purposes.${entry.purpose}`)} ·{' '}
            {t(`customers.consent.channels.${entry.channel}`)} ·{' '}
            {t(`customers.consent.sources.${entry.source}`)}
            {nameOf(entry.text) ? ` · ${nameOf(entry.text)}` : null}
          </p>
          {entry.evidence ? <p className="note-text quiet">{entry.evidence}</p> : null}
          <div className="quiet by">
            <Time at={entry.at} />
            {entry.expires_at ? (
              <span>
                {t('customers.consent.until')} <Time at={entry.expires_at} />
              </span>
            ) : null}
            {entry.actor ? <Who person={entry.actor_person} /> : null}
          </div>
        </li>
      ))}
    </ul>
  );
}
