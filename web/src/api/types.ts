import type { components, operations } from './schema';

type S = components['schemas'];

export type Problem = S['Problem'];
export type User = S['User'];
export type Session = S['Session'];
export type Token = S['Token'];
export type Provider = S['Provider'];
export type ProviderBody = S['ProviderBody'];
export type ProviderButton = S['ProviderButton'];
export type Awaited = S['Awaited'];
export type SecondFactor = S['SecondFactor'];
export type NewSecret = S['NewSecret'];
export type RecoveryCodes = S['RecoveryCodes'];
export type IdentitySettings = S['IdentitySettings'];
export type Colleague = S['Colleague'];
export type Member = S['Member'];
export type Role = S['Role'];
export type Team = S['Team'];
export type Territory = S['Territory'];
export type Reach = S['Reach'];
export type Explanation = S['Explanation'];
export type Invitation = S['Invitation'];
export type NewLink = S['NewLink'];
export type Asked = S['Asked'];
export type SessionInfo = S['SessionInfo'];
export type UserChange = Partial<S['UserBody']>;
export type NewToken = S['NewToken'];
export type Tag = S['Tag'];
export type TagCount = S['TagWithCount'];
export type TagRule = S['TagRuleView'];
export type TagRuleBody = S['TagRuleBody'];
export type CustomerRow = S['CustomerRow'];
export type CustomerCard = S['CustomerCard'];
export type Birthday = S['BirthdayBody'];
export type LunarDate = S['LunarDate'];
export type CareCalendar = S['CareCalendar'];
export type CareDay = S['CareDay'];
export type CareKind = NonNullable<
  NonNullable<operations['get_customers_care']['parameters']['query']>['kind']
>;
export type PersonRequest = S['PersonRequestView'];
export type PersonRequestQuery = NonNullable<
  operations['get_customers_person_requests']['parameters']['query']
>;
export type CustomerExport = S['ExportView'];
export type CustomerSettings = S['CustomerSettings'];
export type CustomerQuery = NonNullable<operations['get_customers']['parameters']['query']>;
export type Revealed = S['Revealed'];
export type RevealedReceiver = S['RevealedReceiver'];
export type Note = S['Note'];
export type Merge = S['Merge'];
export type Suggestion = S['Suggestion'];
export type TimelineItem = S['TimelineItem'];
export type View = S['View'];
export type Shop = S['Shop'];
export type Order = S['Order'];
export type OrderLine = S['OrderLine'];
export type OrderCard = S['OrderCard'];
export type Import = S['Import'];
export type ImportPreview = S['ImportPreview'];
export type RejectReason = S['RejectReason'];
export type ImportObstacle = S['ImportObstacle'];
export type FileEvidence = S['FileEvidence'];
/** What is left out stays as it was said before. */
export type StartImport = Partial<S['StartImport']>;
export type OrderQuery = NonNullable<operations['get_commerce_orders']['parameters']['query']>;
export type TimelineKind = NonNullable<
  operations['get_customers_id_timeline']['parameters']['query']
>['kind'];
export type JobState = NonNullable<operations['get_platform_jobs']['parameters']['query']>['state'];
export type Rfm = S['Rfm'];
export type RfmClusters = S['RfmClusters'];
export type CustomerCohorts = S['CustomerCohorts'];
export type RepurchaseIntervals = S['RepurchaseIntervals'];
export type ProductReorders = S['ProductReorders'];
export type ProductPairs = S['ProductPairs'];
export type PriceSensitivity = S['PriceSensitivity'];
export type Workbench = S['Workbench'];
export type AudienceRow = S['AudienceRow'];
export type AudienceCount = S['AudienceCount'];
export type AudienceOverlap = S['AudienceOverlap'];
export type AudienceWhy = S['AudienceWhy'];
export type AudienceLive = S['AudienceLive'];
export type AudienceTransition = S['AudienceTransition'];
export type DayTally = S['DayTally'];
export type WhyNode = S['WhyNode'];
export type SizeOfDay = S['SizeOfDay'];
/** Flattened by the server, which the contract writes as an object without fields. */
export type AudienceView = AudienceRow & { tree: unknown; sizes: SizeOfDay[] };
export type ValueBand = S['ValueBand'];
export type ValuedCustomer = S['ValuedCustomer'];
export type AtRiskCustomer = S['AtRiskCustomer'];
export type ValueFit = {
  [parameter: string]: unknown;
  log_likelihood: number;
  customers: number;
  standard_errors: Record<string, number> | null;
};
export type ValueHoldout = {
  bins: { repeat_purchases: string; customers: number; actual_mean: number; expected_mean: number }[];
  actual_total: number;
  expected_total: number;
  mean_absolute_error: number;
};
/** With the report of the models, which docs/models-clv.md describes. */
export type LifetimeValue = {
  as_of: string;
  horizon_days: number;
  currency: string;
  model: string;
  expected_orders: number;
  expected_value_minor: number;
  bands: ValueBand[];
  top: ValuedCustomer[];
  at_risk: AtRiskCustomer[];
  customers: number;
  repeat_customers: number;
  later_customers: number;
  calibration_end: string;
  observation_end: string;
  bgnbd: ValueFit | null;
  pnbd: ValueFit | null;
  gamma_gamma: ValueFit | null;
  mean_spend: number | null;
  spend_correlation: number | null;
  holdout_days: number;
  holdout_bgnbd: ValueHoldout | null;
  holdout_pnbd: ValueHoldout | null;
  frequency_histogram: { repeat_purchases: string; actual: number; expected: number }[];
  warnings: string[];
};
export type DraftPromotion = S['DraftPromotion'];
export type SimulationBody = S['SimulationBody'];
export type SimulationRow = S['SimulationRow'];
export type SimulationResult = S['SimulationResult'];
export type SimulationView = S['SimulationView'];
export type IntentModel = S['IntentModel'];
export type IntentDrift = S['IntentDrift'];
export type IntentTier = S['IntentTier'];
export type IntentReason = S['IntentReason'];
export type IntentCustomer = S['IntentCustomer'];
export type ScoredCustomers = S['ScoredCustomers'];
export type IntentMetrics = {
  auc: number;
  average_precision: number;
  log_loss: number;
  brier: number;
  top20_capture: number;
};
export type IntentLearner = 'logistic' | 'tree' | 'boosted';
export type IntentCalibration = {
  bins: { count: number; predicted: number; observed: number }[];
  expected_error: number;
};
export type IntentLift = {
  column: string;
  value: string | null;
  range: [number, number] | null;
  count: number;
  positives: number;
  rate: number;
  lift: number;
  rate_low: number;
  rate_high: number;
};
/** What docs/models-intent.md describes. */
export type IntentReport = {
  rows: number;
  positives: number;
  positive: string;
  rows_used: number;
  excluded: { column: string; reason: string; code: string }[];
  warnings: { column: string; reason: string }[];
  folds: number;
  split: 'stratified' | 'time';
  models: (IntentMetrics & { name: IntentLearner; auc_sd: number })[];
  best: IntentLearner;
  baseline: IntentMetrics;
  calibration: IntentCalibration;
  gain_curve: { share: number; captured: number }[];
  lift: IntentLift[];
};
export type IntentComparison = {
  version: number;
  new_auc: number;
  old_auc: number | null;
  keeps_old: boolean;
};
export type IntentModelDetail = IntentModel & {
  report: {
    as_of: string;
    moments: string[];
    is_sample: boolean;
    /** Not of versions that an earlier program trained. */
    silent_shops?: { shop: string; moments: string[] }[];
    amounts: boolean;
    comparison: IntentComparison | null;
    report: IntentReport;
  } | null;
};
export type IntentFileReport = Omit<S['IntentFileReport'], 'report'> & { report: IntentReport | null };
export type Job = S['JobView'];
export type AuditEntry = S['AuditEntryView'];
export type AuditQuery = NonNullable<operations['get_platform_audit']['parameters']['query']>;
export type CustomerConsents = S['CustomerConsents'];
export type ConsentState = S['ConsentState'];
export type ConsentEntry = S['ConsentEntry'];
export type ConsentText = S['ConsentText'];
export type Erasure = S['Erasure'];
export type ErasureBody = S['ErasureBody'];
export type NewConsent = S['NewConsentBody'];
export type Backups = S['Backups'];
export type Backup = S['BackupView'];
export type Keys = S['KeysView'];
export type DataClass = S['DataClass'];
export type RetentionRule = S['RetentionRule'];
export type RetentionRuleBody = S['RetentionRuleBody'];
export type RetentionForecast = S['RetentionForecast'];
export type KeyVersion = S['KeyVersion'];
export type Webhook = S['Webhook'];
export type WebhookBody = S['WebhookBody'];
export type WebhookDelivery = S['Delivery'];
export type WebhookDeliveryState = S['DeliveryState'];
export type Webhooks = S['Webhooks'];
export type WebhookWithSecret = S['WebhookWithSecret'];
export type SearchResults = S['SearchResults'];
export type Page<T> = { items: T[]; next?: string | null };
export type StoredPromotion = S['StoredPromotion'];
export type PromotionView = S['PromotionView'];
export type PromotionPage = Page<StoredPromotion>;
export type PromotionCalendar = S['PromotionCalendar'];
export type PlaygroundBody = S['PlaygroundBody'];
export type Quote = S['Quote'];
export type Tried = S['Tried'];
export type Reason = S['Reason'];
