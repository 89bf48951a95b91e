/** What the pack uses of ComfyUI's frontend; it is served beside the pack's own modules. tsconfig.json leads tsc here. */
export const app: any;
