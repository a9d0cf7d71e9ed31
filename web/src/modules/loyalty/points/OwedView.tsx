import { Button, DatePicker } from 'antd';
import dayjs from 'dayjs';
import { type ReactNode, useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { majorOf, useFormat } from '@/lib/format';
import { isDay } from '@/lib/known';
import { ChartBox, chartBase, usePalette } from '@/ui/ChartBox';
import { FilterBar } from '@/ui/filters';
import { useKnownUrl } from '@/ui/known';
import { Facts } from '@/ui/Page';
import { Loaded } from '@/ui/states';
import { Int } from '@/ui/values';
import { type Liability, type Programme, useLiability } from './api';
import { Signed } from './Signed';

/** What is owed to customers in points at the end of a day, and what moved in the time before. */
export function OwedView(props: { programme: Programme; choice: ReactNode }) {
  const { t } = useTranslation();
  const { programme } = props;
  const [url, setUrl] = useKnownUrl({ from: isDay, at: isDay });
  const query = useLiability(programme.id, { from: url.from, at: url.at });
  return (
    <div className="stack">
      <FilterBar>
        {props.choice}
        <DatePicker
          aria-label={t('loyalty.points.asOf')}
          placeholder={t('loyalty.points.asOfNow')}
          value={url.at ? dayjs(url.at) : null}
          onChange={(_, day) => setUrl({ at: (day as string) || undefined })}
        />
        <DatePicker
          aria-label={t('loyalty.points.movedSince')}
          placeholder={t('loyalty.points.sinceMonth')}
          value={url.from ? dayjs(url.from) : null}
          onChange={(_, day) => setUrl({ from: (day as string) || undefined })}
        />
      </FilterBar>
      <Loaded query={query}>{(report) => <Report report={report} programme={programme} />}</Loaded>
    </div>
  );
}

/** The report as CSV: a name and a figure on each line, then the months. Names are ours, so none begins a formula. */
function useTakeReport() {
  const { t } = useTranslation();
  return (report: Liability, programme: Programme) => {
    const rows: [string, string | number][] = [
      [t('loyalty.points.asOf'), report.at],
      [t('loyalty.points.movedSince'), report.from],
      [t('loyalty.points.outstanding'), report.outstanding],
      [
        `${t('loyalty.points.worthOf')} (${programme.currency})`,
        majorOf(report.value_minor, programme.currency),
      ],
      [t('loyalty.points.accounts.available'), report.available],
      [t('loyalty.points.accounts.pending'), report.pending],
      [t('loyalty.points.accounts.reserved'), report.reserved],
      [t('loyalty.points.accounts.debt'), report.debt],
      [t('loyalty.points.flow.earned'), report.earned],
      [t('loyalty.points.flow.spent'), report.spent],
      [t('loyalty.points.flow.expired'), report.expired],
      [t('loyalty.points.flow.writtenOff'), report.written_off],
      [t('loyalty.points.flow.adjusted'), report.adjusted],
      ...report.by_month.map(
        (one) =>
          [`${t('loyalty.points.byMonth')}: ${one.month ?? t('loyalty.points.forEver')}`, one.points] as [
            string,
            number,
          ],
      ),
    ];
    const text = rows.map(([name, value]) => `"${name.replaceAll('"', '""')}",${value}`).join('\r\n');
    // Spreadsheets take a file without the mark for one of the machine's old encoding.
    const file = new Blob([`\ufeff${text}\r\n`], { type: 'text/csv' });
    const link = document.createElement('a');
    link.href = URL.createObjectURL(file);
    link.download = `points-${report.at.slice(0, 10)}.csv`;
    link.click();
    URL.revokeObjectURL(link.href);
  };
}

function Report(props: { report: Liability; programme: Programme }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { report, programme } = props;
  const takeReport = useTakeReport();
  return (
    <div className="stack">
      <Facts
        items={[
          [
            t('loyalty.points.outstanding'),
            <strong key="outstanding">
              <Int value={report.outstanding} />
            </strong>,
          ],
          [
            t('loyalty.points.worthOf'),
            <strong key="worth">{format.money(report.value_minor, programme.currency)}</strong>,
          ],
          [t('loyalty.points.accounts.available'), <Int key="available" value={report.available} />],
          [t('loyalty.points.accounts.pending'), <Int key="pending" value={report.pending} />],
          [t('loyalty.points.accounts.reserved'), <Int key="reserved" value={report.reserved} />],
          [t('loyalty.points.accounts.debt'), <Int key="debt" value={report.debt} />],
        ]}
      />
      <h3>
        {t('loyalty.points.movements', {
          from: dayjs(Date.parse(report.from) + programme.zone * 1000)
            .toISOString()
            .slice(0, 10),
        })}
      </h3>
      <Facts
        items={[
          [t('loyalty.points.flow.earned'), <Signed key="earned" value={report.earned} />],
          [t('loyalty.points.flow.spent'), <Signed key="spent" value={-report.spent} />],
          [t('loyalty.points.flow.expired'), <Signed key="expired" value={-report.expired} />],
          [t('loyalty.points.flow.writtenOff'), <Signed key="written" value={report.written_off} />],
          [t('loyalty.points.flow.adjusted'), <Signed key="adjusted" value={report.adjusted} />],
        ]}
      />
      <div>
        <Button onClick={() => takeReport(report, programme)}>{t('loyalty.points.asCsv')}</Button>
      </div>
      {report.by_month.length ? <Months report={report} /> : null}
    </div>
  );
}

function Months(props: { report: Liability }) {
  const { t } = useTranslation();
  const format = useFormat();
  const palette = usePalette();
  const { by_month: months } = props.report;
  const option = useMemo(() => {
    const base = chartBase(palette);
    const name = (month?: string | null) => month ?? t('loyalty.points.forEver');
    return {
      ...base,
      grid: { left: 8, right: 12, top: 32, bottom: 8, containLabel: true },
      xAxis: {
        type: 'category',
        data: months.map((one) => name(one.month)),
        axisLabel: { color: palette.quiet },
        axisLine: { lineStyle: { color: palette.line } },
        axisTick: { show: false },
      },
      yAxis: {
        type: 'value',
        name: t('loyalty.points.points'),
        nameTextStyle: { color: palette.quiet, align: 'left' },
        axisLabel: { color: palette.quiet },
        splitLine: { lineStyle: { color: palette.line } },
      },
      tooltip: { ...(base.tooltip as object), trigger: 'axis', axisPointer: { type: 'shadow' } },
      series: [
        {
          type: 'bar',
          data: months.map((one) => one.points),
          barMaxWidth: 36,
          itemStyle: { color: palette.main, borderRadius: [2, 2, 0, 0] },
        },
      ],
    };
  }, [months, palette, t]);
  return (
    <ChartBox
      title={t('loyalty.points.byMonth')}
      note={t('loyalty.points.byMonthNote')}
      option={option}
      height={240}
      table={{
        head: [t('loyalty.points.month'), t('loyalty.points.points')],
        rows: months.map((one) => ({
          key: one.month ?? '',
          cells: [one.month ?? t('loyalty.points.forEver'), format.int(one.points)],
        })),
      }}
    />
  );
}
