import type { components, operations } from './schema';

type S = components['schemas'];

export type Problem = S['Problem'];
export type User = S['User'];
export type Session = S['Session'];
export type Token = S['Token'];
export type Member = S['Member'];
export type Role = S['Role'];
export type Team = S['Team'];
export type Invitation = S['Invitation'];
export type NewLink = S['NewLink'];
export type Asked = S['Asked'];
export type SessionInfo = S['SessionInfo'];
export type UserChange = Partial<S['UserBody']>;
export type NewToken = S['NewToken'];
export type Tag = S['Tag'];
export type TagCount = S['TagWithCount'];
export type CustomerRow = S['CustomerRow'];
export type CustomerCard = S['CustomerCard'];
export type CustomerSettings = S['CustomerSettings'];
export type CustomerQuery = NonNullable<operations['get_customers']['parameters']['query']>;
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
export type Workbench = S['Workbench'];
export type Job = S['JobView'];
export type AuditEntry = S['AuditEntryView'];
export type AuditQuery = NonNullable<operations['get_platform_audit']['parameters']['query']>;
export type CustomerConsents = S['CustomerConsents'];
export type ConsentState = S['ConsentState'];
export type ConsentEntry = S['ConsentEntry'];
export type ConsentText = S['ConsentText'];
export type NewConsent = S['NewConsentBody'];
export type Backups = S['Backups'];
export type Backup = S['BackupView'];
export type SearchResults = S['SearchResults'];
export type Page<T> = { items: T[]; next?: string | null };
