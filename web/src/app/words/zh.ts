import commerce from '@/modules/commerce/zh';
import customers from '@/modules/customers/zh';
import identity from '@/modules/identity/zh';
import insight from '@/modules/insight/zh';
import platform from '@/modules/platform/zh';
import ui from '@/ui/zh';
import app from '../zh';

export default { ui, app, customers, commerce, insight, identity, platform };
