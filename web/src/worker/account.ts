/** Who last signed in on this phone, so that the page can be used where there is no network. */
import { remember, remembered } from "../shared/i18n";
import type { Account } from "../shared/types";

const KEY = "yiwangtu.worker.account";

export function lastAccount(): Account | null {
  const text = remembered(KEY);
  return text ? (JSON.parse(text) as Account) : null;
}

/** Keep the account, or forget it after signing out. */
export function rememberAccount(account: Account | null): void {
  remember(KEY, account ? JSON.stringify(account) : "");
}
