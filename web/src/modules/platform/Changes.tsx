import { useTranslation } from 'react-i18next';
import type { AuditEntry } from '@/api/types';
import { Nothing } from '@/ui/values';

/** Texts of a list that are shown. */
const SHOWN = 5;

/** A value of any shape as short text; `undefined` where there is none. */
export function valueText(value: unknown): string | undefined {
  if (value === null || value === undefined || value === '') return undefined;
  if (Array.isArray(value)) {
    const some = value.slice(0, SHOWN).map((one) => valueText(one) ?? '–');
    return some.join(', ') + (value.length > SHOWN ? ` … (${value.length})` : '');
  }
  if (typeof value === 'object') {
    return Object.entries(value)
      .map(([name, one]) => `${name}: ${valueText(one) ?? '–'}`)
      .join(', ');
  }
  return String(value);
}

/** What was there before and what is there now, field by field. */
export function Changes(props: { entry: AuditEntry }) {
  const { t } = useTranslation();
  const { before, after, erased } = props.entry;
  const fields = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  const name = (field: string) => t(`platform.audit.fields.${field}`, { defaultValue: field });
  const cell = (value: unknown) => valueText(value) ?? <Nothing />;
  if (fields.length === 0) {
    return erased ? <div className="quiet">{t('platform.audit.erased')}</div> : null;
  }
  return (
    <details>
      <summary className="quiet">{fields.map(name).join(t('ui.comma'))}</summary>
      <table className="plain">
        <thead>
          <tr>
            <th scope="col">{t('platform.audit.field')}</th>
            <th scope="col">{t('platform.audit.before')}</th>
            <th scope="col">{t('platform.audit.after')}</th>
          </tr>
        </thead>
        <tbody>
          {fields.map((field) => (
            <tr key={field}>
              <th scope="row">{name(field)}</th>
              <td>{cell(before[field])}</td>
              <td>{cell(after[field])}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {erased ? <div className="quiet">{t('platform.audit.erased')}</div> : null}
    </details>
  );
}
