/** What the pack uses of ComfyUI's client. */
export const api: {
  fetchApi(route: string, options?: RequestInit): Promise<Response>;
  apiURL(route: string): string;
  queuePrompt(number: number, prompt: { output: object; workflow: object }): Promise<unknown>;
  fileURL(route: string): string;
  apiURL(route: string): string;
  addEventListener(type: string, heard: (event: CustomEvent<any>) => void): void;
  removeEventListener(type: string, heard: (event: CustomEvent<any>) => void): void;
  dispatchCustomEvent(type: string, detail: unknown): void;
  clientId?: string;
};
