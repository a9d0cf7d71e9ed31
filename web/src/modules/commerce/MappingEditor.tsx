import { Button, Checkbox, Input, Select, Tabs } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Labelled } from '@/ui/filters';
import { MAIN_FIELDS, MAP_FIELDS, type Mapping, toToml } from './mapping';

/** Columns to fields by form; whoever needs more writes the TOML. */
export function MappingEditor(props: {
  columns: string[];
  mapping: Mapping;
  onMapping: (mapping: Mapping) => void;
  currency: string;
  toml?: string;
  onToml: (toml: string | undefined) => void;
}) {
  const { t } = useTranslation();
  const { mapping, columns } = props;
  const [tab, setTab] = useState(props.toml === undefined ? 'form' : 'toml');
  const [all, setAll] = useState(false);
  const fields = MAP_FIELDS.filter((one) => all || MAIN_FIELDS.includes(one) || mapping.columns[one]);
  const set = (changes: Partial<Mapping>) => {
    props.onToml(undefined);
    props.onMapping({ ...mapping, ...changes });
  };
  const options = columns.map((name) => ({ value: name, label: name }));
  return (
    <Tabs
      activeKey={tab}
      onChange={setTab}
      items={[
        {
          key: 'form',
          label: t('commerce.mapping.form'),
          children: (
            <div className="stack">
              {props.toml !== undefined ? <p className="quiet">{t('commerce.mapping.fromText')}</p> : null}
              <div className="map-grid">
                {fields.map((field) => (
                  <Labelled key={field} label={t(`commerce.mapping.field.${field}`)}>
                    <Select
                      allowClear
                      showSearch
                      aria-label={t(`commerce.mapping.field.${field}`)}
                      placeholder={t('commerce.mapping.noColumn')}
                      value={mapping.columns[field]}
                      onChange={(column) => set({ columns: { ...mapping.columns, [field]: column } })}
                      options={options}
                    />
                  </Labelled>
                ))}
                {all || mapping.dateFormat ? (
                  <Labelled label={t('commerce.mapping.dateFormat')}>
                    <Input
                      aria-label={t('commerce.mapping.dateFormat')}
                      placeholder="%Y-%m-%d %H:%M:%S"
                      value={mapping.dateFormat}
                      onChange={(event) => set({ dateFormat: event.target.value })}
                    />
                  </Labelled>
                ) : null}
                {all || mapping.cancelledPrefix ? (
                  <Labelled label={t('commerce.mapping.cancelled')}>
                    <Input
                      aria-label={t('commerce.mapping.cancelled')}
                      placeholder="C"
                      value={mapping.cancelledPrefix}
                      onChange={(event) => set({ cancelledPrefix: event.target.value })}
                    />
                  </Labelled>
                ) : null}
              </div>
              {all ? null : (
                <div className="buttons">
                  <Button size="small" onClick={() => setAll(true)}>
                    {t('commerce.mapping.more')}
                  </Button>
                </div>
              )}
              <Checkbox
                checked={mapping.rowIsOrder}
                onChange={(event) => set({ rowIsOrder: event.target.checked })}
              >
                {t('commerce.mapping.rowIsOrder')}
              </Checkbox>
              <Checkbox
                checked={mapping.amountIsProduct}
                onChange={(event) => set({ amountIsProduct: event.target.checked })}
              >
                {t('commerce.mapping.product')}
              </Checkbox>
            </div>
          ),
        },
        {
          key: 'toml',
          label: t('commerce.mapping.text'),
          children: (
            <Input.TextArea
              aria-label={t('commerce.mapping.text')}
              className="mono"
              spellCheck={false}
              autoSize={{ minRows: 10, maxRows: 24 }}
              value={props.toml ?? toToml(mapping, props.currency)}
              onChange={(event) => props.onToml(event.target.value)}
            />
          ),
        },
      ]}
    />
  );
}
