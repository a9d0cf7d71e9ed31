import type { CustomerCohorts } from '@/api/types';

/** What a cell of the grid can tell. */
export const METRICS = ['share', 'customers', 'revenue', 'value'] as const;
export type Metric = (typeof METRICS)[number];

type Cohort = CustomerCohorts['cohorts'][number];

/** The cells of a cohort as one figure each; `value` is the revenue for each customer up to there. */
export function valuesOf(cohort: Cohort, metric: Metric): number[] {
  if (metric === 'share') return cohort.cells.map((one) => one.share);
  if (metric === 'customers') return cohort.cells.map((one) => one.active);
  if (metric === 'revenue') return cohort.cells.map((one) => one.revenue_per_customer_minor ?? 0);
  let sum = 0;
  return cohort.cells.map((one) => {
    sum += one.revenue_minor ?? 0;
    return Math.round(sum / Math.max(1, cohort.customers));
  });
}

/** The figure of the strongest colour. In the first period of a cohort all bought, which would leave the others
 * pale: it has a part only in what is summed up. */
export function mostOf(data: CustomerCohorts, metric: Metric): number {
  const skipped = metric === 'value' ? 0 : 1;
  return Math.max(0, ...data.cohorts.flatMap((cohort) => valuesOf(cohort, metric).slice(skipped)));
}
