import { WarningOutlined } from '@ant-design/icons';
import { Alert, Tabs } from 'antd';
import type { TFunction } from 'i18next';
import { useTranslation } from 'react-i18next';
import type { ImportPreview } from '@/api/types';
import { formatStamp, placeText, useFormat } from '@/lib/format';
import { OrderStateMark } from '@/ui/marks';
import { ScrollX } from '@/ui/ScrollX';
import { Money, Nothing } from '@/ui/values';
import { evidenceText, reasonText } from './told';

type File = ImportPreview['files'][number];
type Row = File['rows'][number];

/** The first rows of each file as they would be stored, or as they stand while nothing fits them. */
export function PreviewFiles(props: { preview: ImportPreview; currency: string; offset: number }) {
  const { t } = useTranslation();
  const { preview, ...how } = props;
  const { files } = preview;
  if (files.length === 1 && files[0]) return <PreviewFile file={files[0]} {...how} />;
  return (
    <Tabs
      items={files.map((file, index) => ({
        key: String(index),
        label: file.name || t('commerce.imports.file'),
        children: <PreviewFile file={file} {...how} />,
      }))}
    />
  );
}

/** In which currency amounts are, and how far the file's clocks are ahead of UTC. */
interface How {
  currency: string;
  offset: number;
}

function PreviewFile(props: How & { file: File }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { file, ...how } = props;
  const problems = file.rows.filter((row) => row.problems.length).length;
  const read = file.columns.filter((column) => column.understood_as && column.understood_as !== 'extra');
  return (
    <div className="stack">
      <p>
        <strong>
          {file.format
            ? t(`commerce.format.${file.format}`, { defaultValue: file.format })
            : t('commerce.draft.unknown')}
        </strong>{' '}
        <span className="quiet">
          {[
            file.encoding,
            file.delimiter &&
              t(`commerce.draft.delimiter.${file.delimiter}`, { defaultValue: file.delimiter }),
            t('commerce.draft.columnsOf', {
              count: file.columns.length,
              n: format.int(read.length),
              all: format.int(file.columns.length),
            }),
          ]
            .filter(Boolean)
            .join(' · ')}
        </span>
      </p>
      <details>
        <summary>{t('commerce.draft.evidence')}</summary>
        <ul className="bullets">
          {file.evidence_codes.map((one, index) => (
            <li key={index}>{evidenceText(t, one, file.evidence[index])}</li>
          ))}
        </ul>
        <ul className="columns-list">
          {file.columns.map((column, index) => (
            <li key={column.name + index} className={column.understood_as ? undefined : 'quiet'}>
              {column.name} →{' '}
              {column.understood_as
                ? t(`commerce.mapping.field.${column.understood_as}`, { defaultValue: column.understood_as })
                : t('commerce.draft.notUsed')}
            </li>
          ))}
        </ul>
      </details>
      {problems ? (
        <Alert
          type="warning"
          showIcon
          title={t('commerce.draft.problems', {
            count: problems,
            n: format.int(problems),
            all: format.int(file.rows.length),
          })}
        />
      ) : null}
      {file.format ? <OrderRows file={file} {...how} /> : <RawRows file={file} />}
    </div>
  );
}

/** The cells as they stand: what a mapping has to make sense of. */
function RawRows(props: { file: File }) {
  const { t } = useTranslation();
  const { file } = props;
  return (
    <ScrollX label={t('commerce.draft.raw')} className="preview">
      <table className="plain">
        <caption>{t('commerce.draft.raw')}</caption>
        <thead>
          <tr>
            <th scope="col" className="num">
              {t('commerce.draft.line')}
            </th>
            {file.columns.map((column, index) => (
              <th key={column.name + index} scope="col" className="clip" title={column.name}>
                {column.name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {file.rows.map((row) => (
            <tr key={row.line}>
              <td className="num quiet">{row.line}</td>
              {row.cells.map((cell, index) => (
                <Clip key={index}>{cell}</Clip>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </ScrollX>
  );
}

function OrderRows(props: How & { file: File }) {
  const { t } = useTranslation();
  const { file, ...how } = props;
  return (
    <ScrollX label={t('commerce.draft.preview')} className="preview">
      <table className="plain">
        <caption>{t('commerce.draft.preview')}</caption>
        <thead>
          <tr>
            <th scope="col" className="num">
              {t('commerce.draft.line')}
            </th>
            <th scope="col">{t('commerce.field.no')}</th>
            <th scope="col">{t('commerce.field.ordered')}</th>
            <th scope="col">{t('commerce.field.state')}</th>
            <th scope="col">{t('commerce.field.customer')}</th>
            <th scope="col">{t('commerce.field.items')}</th>
            <th scope="col" className="num">
              {t('commerce.field.paid')}
            </th>
            <th scope="col" className="num">
              {t('commerce.field.refund')}
            </th>
            <th scope="col">{t('commerce.field.place')}</th>
          </tr>
        </thead>
        <tbody>
          {file.rows.map((row) =>
            row.problems.length ? (
              <ProblemRow key={row.line} row={row} />
            ) : (
              <OrderRow key={row.line} row={row} {...how} />
            ),
          )}
        </tbody>
      </table>
    </ScrollX>
  );
}

/** A text of any length in a column of a bounded width; the whole of it in its title. */
function Clip(props: { className?: string; children?: string | null }) {
  const { className, children } = props;
  return (
    <td
      className={className ? `clip ${className}` : 'clip'}
      title={children ? children.slice(0, 1000) : undefined}
    >
      {children || <Nothing />}
    </td>
  );
}

function OrderRow(props: How & { row: Row }) {
  const { order, line } = props.row;
  const currency = order.currency ?? props.currency;
  return (
    <tr>
      <td className="num quiet">{line}</td>
      <Clip className="figure">{order.external_no}</Clip>
      <td className="figure nowrap">
        {order.ordered_at ? formatStamp(order.ordered_at, props.offset) : <Nothing />}
      </td>
      <td>
        <OrderStateMark state={order.state} />
      </td>
      <Clip className="clip-name">{order.receiver?.name ?? order.account}</Clip>
      <Clip>{order.item_title}</Clip>
      <td className="num">
        <Money minor={order.paid_minor} currency={currency} />
      </td>
      <td className="num">
        <Money minor={order.refund_minor || null} currency={currency} />
      </td>
      <Clip className="clip-name">{placeText(order.receiver?.province, order.receiver?.city)}</Clip>
    </tr>
  );
}

function inColumn(t: TFunction, problem: Row['problems'][number]) {
  const name = problem.reason_code.column ?? problem.column;
  return name ? t('commerce.draft.inColumn', { name }) : null;
}

function ProblemRow(props: { row: Row }) {
  const { t } = useTranslation();
  const { line, problems } = props.row;
  return (
    <tr className="has-problem">
      <td className="num quiet">{line}</td>
      <td colSpan={8} className="problem">
        {problems.map((problem, index) => (
          <div key={index}>
            <WarningOutlined aria-hidden="true" /> {inColumn(t, problem)}{' '}
            {reasonText(t, problem.reason_code, problem.reason)}
          </div>
        ))}
      </td>
    </tr>
  );
}
