// Made by build.mjs: name in A2UI's catalogue → what stands in an SVG of 24 by 24.
declare module "icons:catalogue" {
  const catalogue: Record<string, string>;
  export default catalogue;
}
