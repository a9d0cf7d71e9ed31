import loyalty from '@/modules/loyalty/zh';

/** Words that the first page does without: fetched with the first page that needs them. */
export default { loyalty };
