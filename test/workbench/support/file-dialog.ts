import { poll } from './poll';
import type { Workbench } from './workbench';

/**
 * Gives a path to the file dialog once it has filled its field with what it begins from: before, it
 * would put that in the place of what was typed.
 *
 * @param begins what the field ends with when the dialog is ready
 */
export async function answerFileDialog(
  { page }: Workbench,
  begins: string,
  file: string,
): Promise<void> {
  const dialog = page.locator('.quick-input-widget').filter({ visible: true });
  const input = dialog.locator('input').first();
  await poll(`the file dialog at ${begins}`, async () =>
    (await input.inputValue()).endsWith(begins),
  );
  await dialog.locator('.monaco-list-row').first().waitFor();
  await poll(`the file dialog to take ${file}`, async () => {
    if (!(await dialog.isVisible())) return true;
    await input.fill(file);
    await input.press('Enter');
    return dialog.waitFor({ state: 'hidden', timeout: 2_000 }).then(
      () => true,
      () => false,
    );
  });
}

/** As {@link answerFileDialog} with a file that is there, and agrees that it is replaced. */
export async function replaceInFileDialog(
  window: Workbench,
  begins: string,
  file: string,
): Promise<void> {
  const { page } = window;
  const dialog = page.locator('.quick-input-widget').filter({ visible: true });
  const input = dialog.locator('input').first();
  await poll(`the file dialog at ${begins}`, async () =>
    (await input.inputValue()).endsWith(begins),
  );
  await dialog.locator('.monaco-list-row').first().waitFor();
  const question = dialog.getByText(/already exists/).first();
  await poll(`the question whether ${file} is replaced`, async () => {
    await input.fill(file);
    await input.press('Enter');
    return question.waitFor({ timeout: 2_000 }).then(
      () => true,
      () => false,
    );
  });
  await input.press('Enter');
  await dialog.waitFor({ state: 'hidden' });
}
