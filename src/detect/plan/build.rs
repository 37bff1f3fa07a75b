//! Builds the nodes of a plan: equal parts of different expressions become one node.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion::common::ScalarValue;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};

use super::nature::{self, Cost};
use super::{Access, Conjunction, Node, NodeId, Part};
use crate::sql::expression::{Compiler, Expression};

/// Collects nodes, each distinct expression once.
pub struct Builder<'a> {
    compiler: &'a Compiler,
    nodes: Vec<Node>,
    known: HashMap<Expr, NodeId>,
}

impl<'a> Builder<'a> {
    pub fn new(compiler: &'a Compiler) -> Self {
        Self { compiler, nodes: Vec::new(), known: HashMap::new() }
    }

    pub fn finish(self) -> Vec<Node> {
        self.nodes
    }

    fn schema(&self) -> &'a SchemaRef {
        self.compiler.schema()
    }

    /// The nodes that must all be true for `expression` to be.
    pub fn conjunction(&mut self, expression: &Expression) -> Result<Conjunction, DataFusionError> {
        let mut conjunction = Conjunction::default();
        for conjunct in expression.conjuncts() {
            match constant(conjunct) {
                Some(true) => {}
                Some(false) => conjunction.never = true,
                None if nature::can_fail(conjunct, self.compiler) => {
                    conjunction.fallible.push(self.rows(conjunct)?);
                }
                None => conjunction.safe.push(self.node(conjunct)?),
            }
        }
        let nodes = &self.nodes;
        conjunction.safe.sort_by_key(|id| nodes.get(*id).map(|node| node.cost));
        conjunction.safe.dedup();
        Ok(conjunction)
    }

    /// The node of an expression that cannot fail.
    fn node(&mut self, expr: &Expr) -> Result<NodeId, DataFusionError> {
        if let Some(known) = self.known.get(expr) {
            return Ok(*known);
        }
        let columns = nature::columns(expr, self.schema());
        let node = match (columns.as_slice(), expr) {
            ([only], _) if nature::is_word(self.schema(), *only) => {
                Node { cost: Cost::Words, access: Access::Words(self.words(expr, *only)?) }
            }
            (_, Expr::BinaryExpr(BinaryExpr { op: Operator::Or, .. })) => {
                let children = self.children(expr, Operator::Or)?;
                Node { cost: self.dearest(&children), access: Access::Any(children) }
            }
            (_, Expr::BinaryExpr(BinaryExpr { op: Operator::And, .. })) => {
                let children = self.children(expr, Operator::And)?;
                Node { cost: self.dearest(&children), access: Access::All(children) }
            }
            _ => return self.rows(expr),
        };
        Ok(self.add(expr, node))
    }

    /// A node that is evaluated on rows as it stands.
    fn rows(&mut self, expr: &Expr) -> Result<NodeId, DataFusionError> {
        if let Some(known) = self.known.get(expr) {
            return Ok(*known);
        }
        let columns = nature::columns(expr, self.schema());
        let cost = nature::cost(expr, self.schema(), &columns);
        let fields = columns.iter().filter_map(|place| self.schema().fields().get(*place).cloned());
        let part = self.part(expr, Schema::new(fields.collect::<Vec<_>>()), columns)?;
        Ok(self.add(expr, Node { cost, access: Access::Rows(part) }))
    }

    /// A part over one word column, which may be null whatever the table says: null is tried as well.
    fn words(&self, expr: &Expr, column: usize) -> Result<Part, DataFusionError> {
        let fields = self.schema().fields().get(column).map(|field| Field::clone(field).with_nullable(true));
        self.part(expr, Schema::new(fields.into_iter().collect::<Vec<_>>()), vec![column])
    }

    fn part(&self, expr: &Expr, schema: Schema, columns: Vec<usize>) -> Result<Part, DataFusionError> {
        let schema = Arc::new(schema);
        Ok(Part { columns, physical: self.compiler.physical(expr, &schema)?, schema })
    }

    /// The operands of a chain of one operator. For knowing what is *true* of an OR or AND, it is
    /// enough to know what is true of its operands; NOT was pushed down to the leaves.
    fn children(&mut self, expr: &Expr, joined_by: Operator) -> Result<Vec<NodeId>, DataFusionError> {
        let mut operands = Vec::new();
        flatten(expr, joined_by, &mut operands);
        operands.into_iter().map(|operand| self.node(operand)).collect()
    }

    fn dearest(&self, children: &[NodeId]) -> Cost {
        let costs = children.iter().filter_map(|id| self.nodes.get(*id)).map(|node| node.cost);
        costs.max().unwrap_or(Cost::Cheap).max(Cost::Cheap)
    }

    fn add(&mut self, expr: &Expr, node: Node) -> NodeId {
        let id = self.nodes.len();
        self.nodes.push(node);
        self.known.insert(expr.clone(), id);
        id
    }
}

fn flatten<'e>(expr: &'e Expr, joined_by: Operator, operands: &mut Vec<&'e Expr>) {
    match expr {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) if *op == joined_by => {
            flatten(left, joined_by, operands);
            flatten(right, joined_by, operands);
        }
        other => operands.push(other),
    }
}

fn constant(expr: &Expr) -> Option<bool> {
    match expr {
        Expr::Literal(ScalarValue::Boolean(value), _) => Some(*value == Some(true)),
        Expr::Literal(ScalarValue::Null, _) => Some(false),
        _ => None,
    }
}
