import { ipcMain, type IpcMainEvent } from 'electron';
import { isTrustedSender } from './locks.ts';

/**
 * The only door for messages of a page: a sender that is not our own top frame is not heard. Nothing else in
 * this folder names `ipcMain`.
 */
export function onMessage(channel: string, listener: (event: IpcMainEvent) => void): void {
  ipcMain.on(channel, (event) => {
    if (isTrustedSender(event.senderFrame)) listener(event);
  });
}
