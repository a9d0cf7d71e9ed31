/** The codes of the interface, in the order in which people read them. */
export const ELEVEN_TIERS = [
  'champions',
  'loyal',
  'potential_loyalist',
  'new_customers',
  'promising',
  'need_attention',
  'about_to_sleep',
  'at_risk',
  'cant_lose',
  'hibernating',
  'lost',
] as const;

export const CLASSIC_TIERS = [
  'important_value',
  'important_develop',
  'important_keep',
  'important_retain',
  'general_value',
  'general_develop',
  'general_keep',
  'general_retain',
] as const;

export const ORDER_STATES = ['unpaid', 'paid', 'partly_shipped', 'shipped', 'completed', 'closed'] as const;
export const CHANNELS = [
  'taobao',
  'tmall',
  '1688',
  'alibaba',
  'jd',
  'pdd',
  'douyin',
  'own',
  'offline',
] as const;
export const FORMATS = [
  'auto',
  'taobao-orders',
  'taobao-items',
  '1688',
  'pdd',
  'douyin',
  'jd',
  'generic',
] as const;
export const CURRENCIES = ['CNY', 'USD', 'EUR', 'GBP', 'HKD', 'JPY', 'TWD', 'SGD'] as const;
export const RATINGS = ['A', 'B', 'C', 'D'] as const;
export const TAG_COLOURS = [
  'blue',
  'cyan',
  'green',
  'gold',
  'orange',
  'red',
  'magenta',
  'purple',
  'default',
] as const;
